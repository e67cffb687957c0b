import assert from "node:assert/strict";
import { nodeFolders, NodeProcess } from "../e2e/support/node_process.ts";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { compile, root, versionOf } from "./support/program.ts";

/** Compiles an example from a folder that has nothing to do with the checkout. */
async function compileExample(example: string) {
  const folder = await tempFolder();
  await run("cp", [
    "--recursive",
    `${root}docs/examples/${example}`,
    `${folder.path}/theirs`,
  ]);
  const program = `${folder.path}/${example}`;
  const { stdout } = await compile(root, [
    ...["--config", `${folder.path}/theirs/deno.json`],
    ...["--etcd", "none", "--output", program],
  ]);
  // It is all in the program.
  await Deno.remove(`${folder.path}/theirs`, { recursive: true });
  return {
    program,
    stdout,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
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
