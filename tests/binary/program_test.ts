import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as v from "valibot";
import { checkoutCommand } from "../e2e/support/node_process.ts";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { program, root, versionOf } from "./support/program.ts";

const Manifest = v.object({
  version: v.string(),
  plugins: v.record(v.string(), v.unknown()),
});

async function manifest() {
  return v.parse(
    Manifest,
    JSON.parse(await Deno.readTextFile(`${root}deno.json`)),
  );
}

/** What the program and that of the checkout write. */
async function both(...args: string[]): Promise<[string, string]> {
  const [command, ...rest] = checkoutCommand(...args);
  const [compiled, checkout] = await Promise.all([
    run(program(), args),
    run(command, rest),
  ]);
  return [compiled.stdout, checkout.stdout];
}

Deno.test("hamlet version of a compiled program says what it was made of", async () => {
  const said = await versionOf();
  const { version, plugins } = await manifest();
  assert.equal(said.hamlet, version);
  assert.match(said.commit, /^[0-9a-f]{40}(\+changes)?$|^unknown$/);
  assert.match(said.digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(
    said.plugins.map(({ name }) => name),
    Object.keys(plugins),
  );
  const digests = new Set(said.plugins.map(({ digest }) => digest));
  assert.equal(digests.size, said.plugins.length);
  for (const digest of digests) assert.match(digest, /^[0-9a-f]{64}$/);

  const { stdout: path } = await run("sh", ["-c", "command -v etcd"]);
  const { stdout: etcd } = await run(path.trim(), ["--version"]);
  assert.deepEqual(said.programs, {
    etcd: {
      version: etcd.match(/^etcd Version: (\S+)/)?.[1],
      digest: createHash("sha256").update(await Deno.readFile(path.trim()))
        .digest("hex"),
    },
  });
});

Deno.test("hamlet version of a compiled program warns where it is for checks only", async () => {
  const { forChecks } = await versionOf();
  const { stdout } = await run(program(), ["version"]);
  assert.equal(stdout.includes("For checks only"), forChecks);
});

Deno.test("hamlet plugins of a compiled program grants what it grants from a checkout", async () => {
  const folders = ["--data-dir", "/nowhere/data", "--run-dir", "/nowhere/run"];
  const [compiled, checkout] = await both("plugins", ...folders);
  // Where code lies, the line that names a plugin and what `${package:etcd3}` stands for, is all that differs.
  const plain = (text: string) =>
    text.replaceAll(/file:\S+\/plugins\//g, "plugins/")
      .replaceAll(/reads \S+\/etcd3\//g, "reads etcd3/");
  assert.equal(plain(compiled), plain(checkout));
  assert.match(compiled, /\nconsensus in a worker/);
});

for (const args of [["help"], ["run", "--help"], ["help", "cert", "issue"]]) {
  Deno.test(`hamlet ${args.join(" ")} is the same compiled and from a checkout`, async () => {
    const [compiled, checkout] = await both(...args);
    assert.equal(compiled, checkout);
    assert.notEqual(compiled, "");
  });
}

for (
  const args of [
    ["run", "--new-cluster"],
    ["dev"],
    ["plugins"],
  ]
) {
  Deno.test(`hamlet ${args[0]} --manifest is refused by a compiled program`, async () => {
    await using folder = await tempFolder();
    const other = `${folder.path}/deno.json`;
    await Deno.copyFile(`${root}deno.json`, other);
    await assert.rejects(
      run(program(), [...args, "--manifest", other], { cwd: folder.path }),
      {
        name: "CommandError",
        code: 2,
        stderr: new RegExp(
          `Cannot use manifest "${other}": .* scripts/compile --config`,
        ),
      },
    );
    const left = await Array.fromAsync(Deno.readDir(folder.path));
    assert.deepEqual(left.map(({ name }) => name), ["deno.json"]);
  });
}

Deno.test("a compiled program names the place of what is wrong in its config file", async () => {
  await using folder = await tempFolder();
  const config = `${folder.path}/config.json`;
  await Deno.writeTextFile(config, '{\n  "nme": "alpha"\n}\n');
  await assert.rejects(
    run(program(), ["run", "--config", config], { cwd: folder.path }),
    { code: 1, stderr: new RegExp(`${config}:2:3: nme is not known`) },
  );
});

Deno.test("a compiled program leaves nothing where others may write, and takes nothing from there", async () => {
  await using folder = await tempFolder();
  const env = { TMPDIR: folder.path, HOME: folder.path };
  for (let time = 0; time < 2; time++) {
    await run(program(), ["plugins", "--data-dir", "/nowhere/data"], { env });
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
});
