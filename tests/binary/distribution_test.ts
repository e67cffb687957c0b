import assert from "node:assert/strict";
import { nodeFolders, NodeProcess } from "../e2e/support/node_process.ts";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { compile, root, versionOf } from "./support/program.ts";

/** Compiles an example from a folder that has nothing to do with the checkout, after changes to some of its files. */
async function compileExample(
  example: string,
  changes: Readonly<Record<string, (text: string) => string>> = {},
) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  await run("cp", [
    "--recursive",
    `${root}docs/examples/${example}`,
    `${folder.path}/theirs`,
  ]);
  for (const [name, change] of Object.entries(changes)) {
    const path = `${folder.path}/theirs/${name}`;
    await Deno.writeTextFile(path, change(await Deno.readTextFile(path)));
  }
  const program = `${folder.path}/${example}`;
  const { stdout } = await compile(root, [
    ...["--config", `${folder.path}/theirs/deno.json`],
    ...["--etcd", "none", "--output", program],
  ]);
  // It is all in the program.
  await Deno.remove(`${folder.path}/theirs`, { recursive: true });
  const made = stack.move();
  return {
    program,
    stdout,
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

Deno.test("scripts/compile --config makes a distribution of Hamlet's plugins and another's", async () => {
  await using made = await compileExample("heartbeat");
  const { plugins } = await versionOf(made.program);
  const { plugins: ofHamlet } = await versionOf();
  assert.deepEqual(plugins.slice(0, -1), ofHamlet);
  assert.equal(plugins.at(-1)?.name, "heartbeat");
  assert.match(
    made.stdout,
    /\nheartbeat in a worker, distribution\/plugin.ts\n/,
  );

  const { stdout } = await run(made.program, [
    "plugins",
    ...["--data-dir", "/nowhere/data"],
  ]);
  assert.match(stdout, /heartbeat in a worker.*\n.*"keys":\["\/heartbeat\/"\]/);

  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, {
    program: made.program,
    args: ["--plugins", "network,hostsfile"],
  });
  await node.ready();
  await node.stop();
});

Deno.test("a distribution has the contract that its plugins share, which counts as the code of each", async () => {
  await using made = await compileExample("greeter");
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, {
    program: made.program,
    args: ["--name", "alpha"],
  });
  await node.ready();
  await node.logged(({ dn, message }) =>
    dn === "root.guest" && message === "Guten Tag, alpha"
  );
  await node.stop();

  const contract = "contracts/greeter.ts";
  await using changed = await compileExample("greeter", {
    [contract]: (text) => `${text}// Changed.\n`,
  });
  const { plugins } = await versionOf(made.program);
  const { plugins: others } = await versionOf(changed.program);
  assert.deepEqual(plugins.map(({ name }) => name), ["greeter", "guest"]);
  for (const [i, { digest }] of plugins.entries()) {
    assert.notEqual(digest, others[i]?.digest);
  }
});

Deno.test("scripts/compile tells a plugin by what it shares with others", async () => {
  const digests: (string | undefined)[] = [];
  for (const shares of [[], ["${data}/heartbeat/shown"]]) {
    await using made = await compileExample("heartbeat", {
      "deno.json": (text) =>
        text.replace(
          '"roles"',
          `"permissions": { "write": ["\${data}/heartbeat"] },
           "shares": ${JSON.stringify(shares)}, "roles"`,
        ),
    });
    const { plugins } = await versionOf(made.program);
    digests.push(plugins.find(({ name }) => name === "heartbeat")?.digest);
  }
  assert.notEqual(digests[0], digests[1]);
});

Deno.test("scripts/compile refuses a distribution without a contract that it names", async () => {
  await assert.rejects(
    compileExample("greeter", {
      "deno.json": (text) => text.replaceAll("contracts/", "contract/"),
    }),
    {
      name: "CommandError",
      code: 1,
      stderr:
        /deno\.json:5:\d+: Cannot take ".*contract\/greeter\.ts" in: there is no such file/,
    },
  );
});

Deno.test("a distribution of one plugin refuses it what its entry does not grant", async () => {
  await using made = await compileExample("nosy");
  const { plugins } = await versionOf(made.program);
  assert.deepEqual(plugins.map(({ name }) => name), ["nosy"]);
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, { program: made.program });
  const { message } = await node.logged(({ dn, level }) =>
    dn === "root.nosy" && level === "error"
  );
  assert.match(message, /\/etc\/shadow.*plugins\.nosy\.permissions\.read/s);
  assert.doesNotMatch(node.text(), /characters of other people's secrets/);
  await node.stop();
});
