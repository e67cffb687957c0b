import assert from "node:assert/strict";
import {
  nodeFolders,
  NodeProcess,
  type StartOptions,
} from "../e2e/support/node_process.ts";
import { assertRefused } from "../e2e/support/refused.ts";
import { processesLeft } from "../e2e/support/processes_of.ts";
import { CommandError, run } from "../support/process.ts";
import { program } from "./support/program.ts";

/** The plugins that need neither etcd nor gRPC, which every base can run. */
const plain: StartOptions = {
  program: program(),
  args: ["--plugins", "network,hostsfile", "--name", "alpha"],
};

Deno.test("a compiled node becomes ready, answers, and ends in order", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, plain);
  const { ready, node: { name, address, id }, plugins } = await node.ready();
  assert.ok(ready);
  assert.deepEqual([name, address], ["alpha", "127.0.0.1"]);
  assert.deepEqual(plugins.map(({ name }) => name), ["network", "hostsfile"]);

  assert.equal(
    await Deno.readTextFile(`${folders.run}/hosts`),
    `127.0.0.1 localhost\n::1 localhost\n127.0.0.1 ${id} alpha\n`,
  );
  assert.equal(
    await Deno.readTextFile(`${folders.run}/machine-id`),
    `${id.slice("hamlet-".length)}\n`,
  );
  const { stdout } = await run(program(), [
    "status",
    "--run-dir",
    folders.run,
  ]);
  assert.match(stdout, /alpha is ready/);

  assert.deepEqual(await node.stop(), { code: 0, signal: null });
  assert.deepEqual(await processesLeft(folders.data), []);
  await assert.rejects(
    run(program(), ["status", "--run-dir", folders.run]),
    (error) => error instanceof CommandError && error.code === 2,
  );
  // What no plugin runs is not written out.
  await assert.rejects(Deno.stat(`${folders.data}/bin`), Deno.errors.NotFound);
});

Deno.test("a compiled node continues with its data", async () => {
  await using folders = await nodeFolders();
  const ids: string[] = [];
  for (const newCluster of [true, false]) {
    await using node = new NodeProcess(folders, { ...plain, newCluster });
    ids.push((await node.ready()).node.id);
    await node.stop();
  }
  assert.equal(ids[0], ids[1]);
});

Deno.test("a compiled node refuses the data of a newer Hamlet, and touches nothing", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, plain);
  await node.ready();
  await node.stop();
  const path = `${folders.data}/node.json`;
  const file = JSON.parse(await Deno.readTextFile(path));
  const newer = { ...file, version: 99, hamlet: "9.8.7", more: true };
  await Deno.writeTextFile(path, JSON.stringify(newer));
  await assertRefused(folders, {
    ...plain,
    newCluster: false,
    code: 2,
    says: [folders.data, "9.8.7", "format 99", "nothing was changed"],
  });
});

Deno.test({
  name: "a compiled node sets the host name",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using folders = await nodeFolders();
    await using node = new NodeProcess(folders, {
      ...plain,
      hostname: "on",
      prefix: ["unshare", "--uts"],
    });
    await node.ready();
    const { stdout } = await run("nsenter", [
      ...["--target", `${node.pid}`, "--uts"],
      "hostname",
    ]);
    assert.equal(stdout, "alpha\n");
    await node.stop();
  },
});
