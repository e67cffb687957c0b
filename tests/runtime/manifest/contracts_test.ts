import assert from "node:assert/strict";
import { tempFolder } from "../../support/temp.ts";
import { observedNode } from "../node/observed_node.ts";

const CONTRACT = `
import { call, defineService, v } from "hamlet";
export const greeter = defineService({
  name: "greeter",
  scope: v.undefined(),
  methods: {
    greet: call(v.strictObject({}), v.object({ text: v.string() })),
  },
});
`;
const PROVIDER = `
import { definePlugin } from "hamlet";
import { greeter } from "../contracts/greeter.ts";
export default definePlugin({
  async run(ctx) {
    ctx.provide(greeter, { greet: () => Promise.resolve({ text: "Hello" }) });
    ctx.healthy();
    ctx.ready();
    await new Promise((end) => ctx.signal.addEventListener("abort", end));
  },
});
`;
const USER = `
import { definePlugin } from "hamlet";
import { greeter } from "./contracts/greeter.ts";
export default definePlugin({
  async run(ctx) {
    const { text } = await (await ctx.use(greeter)).greet({});
    ctx.log.info("Was told: " + text);
    ctx.ready();
    ctx.done();
  },
});
`;

/** A distribution of two plugins that share a contract. */
async function distribution(
  folder: string,
  contracts: readonly string[],
  write: readonly string[] = [],
) {
  await Deno.mkdir(`${folder}/contracts`);
  await Deno.mkdir(`${folder}/host`);
  await Deno.writeTextFile(`${folder}/contracts/greeter.ts`, CONTRACT);
  await Deno.writeTextFile(`${folder}/host/mod.ts`, PROVIDER);
  await Deno.writeTextFile(`${folder}/guest.ts`, USER);
  const manifest = `${folder}/deno.json`;
  const entry = { contracts, isolation: "worker" };
  await Deno.writeTextFile(
    manifest,
    JSON.stringify({
      plugins: {
        host: { ...entry, module: "./host/mod.ts", provides: ["greeter"] },
        guest: {
          ...entry,
          module: "./guest.ts",
          uses: { greeter: {} },
          permissions: { write },
        },
      },
    }),
  );
  return { manifest, dev: true, dataDir: `${folder}/data` };
}

Deno.test("two plugins import the contract that both entries name, and no other file", async () => {
  await using folder = await tempFolder();
  const settings = await distribution(folder.path, ["./contracts/greeter.ts"]);
  await using observed = await observedNode(folder.path, settings);
  await observed.logged(/"dn":"root\.guest","message":"Was told: Hello"/);
});

Deno.test("a plugin imports no module that its entry does not name", async () => {
  await using folder = await tempFolder();
  const settings = await distribution(folder.path, []);
  await using observed = await observedNode(folder.path, settings);
  await observed.logged(
    /"level":"error","dn":"root\.host".*contracts\/greeter\.ts/,
  );
});

for (
  const [criterion, contract, advice] of [
    [
      "a folder",
      "./contracts",
      /deno\.json:1:\d+: plugins\.host\.contracts\[0\] .*There is no such file/,
    ],
    ["what is not there", "./none.ts", /There is no such file/],
    [
      "a symbolic link",
      "./link.ts",
      /link\.ts" is a symbolic link to "\/etc\/hostname"/,
    ],
    [
      "what is outside",
      "../x.ts",
      /contracts\[0\] is "\.\.\/x\.ts": Name a module below/,
    ],
  ] as const
) {
  Deno.test(`contracts may not name ${criterion}`, async () => {
    await using folder = await tempFolder();
    await Deno.symlink("/etc/hostname", `${folder.path}/link.ts`);
    const settings = await distribution(folder.path, [contract]);
    await assert.rejects(observedNode(folder.path, settings), advice);
  });
}

Deno.test("no plugin may write a contract, or what Hamlet's own plugins may touch", async () => {
  await using folder = await tempFolder();
  const contract = "./contracts/greeter.ts";
  const own = new URL("../../../deno.json", import.meta.url).pathname;
  const settings = await distribution(folder.path, [contract], [
    `${folder.path}/contracts`,
    own,
  ]);
  await assert.rejects(observedNode(folder.path, settings), (error) => {
    assert(error instanceof Error);
    assert.match(
      error.message,
      /guest\.permissions\.write\[0\] .*contracts\/greeter\.ts": it is the program's code/,
    );
    assert.match(
      error.message,
      /guest\.permissions\.write\[1\] .*deno\.json": it is the program's code/,
    );
    return true;
  });
});
