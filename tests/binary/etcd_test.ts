import assert from "node:assert/strict";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "../e2e/support/node_process.ts";
import { assertRefused } from "../e2e/support/refused.ts";
import { run } from "../support/process.ts";
import { program, versionOf } from "./support/program.ts";

/** Starts a node that runs etcd as far as its base can, and waits until it serves. */
async function start(
  folders: NodeFolders,
  ...args: string[]
): Promise<NodeProcess> {
  const node = new NodeProcess(folders, { program: program(), args });
  await node.status();
  return node;
}

Deno.test("a compiled node writes its etcd out, and executes it from there", async () => {
  await using folders = await nodeFolders();
  const { etcd } = (await versionOf()).programs;
  assert.ok(etcd);
  const path = `${folders.data}/bin/${etcd.digest}`;
  // None but the one inside is to be found.
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  await using node = new NodeProcess(folders, { program: program(), env });
  await node.status();
  const { stdout } = await run(path, ["--version"]);
  assert.ok(stdout.startsWith(`etcd Version: ${etcd.version}\n`), stdout);
  assert.equal(await Deno.readLink(`${folders.data}/bin/etcd`), etcd.digest);
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o7777, 0o500);
  await node.stop();

  const { ino } = await Deno.stat(path);
  await using again = new NodeProcess(folders, {
    program: program(),
    env,
    newCluster: false,
  });
  await again.status();
  assert.equal((await Deno.stat(path)).ino, ino);
  await again.stop();
});

Deno.test("a compiled node refuses an etcd that somebody has changed", async () => {
  await using folders = await nodeFolders();
  const { etcd } = (await versionOf()).programs;
  await (await start(folders)).stop();
  const path = `${folders.data}/bin/${etcd?.digest}`;
  const { size } = await Deno.stat(path);
  await Deno.chmod(path, 0o700);
  await Deno.writeTextFile(path, "\0", { append: true });
  await assertRefused(folders, {
    program: program(),
    newCluster: false,
    code: 1,
    says: [`Cannot run "${path}"`, "not the etcd", "remove it"],
    except: /lock/,
  });

  await Deno.remove(path);
  await (await start(folders)).stop();
  assert.equal((await Deno.stat(path)).size, size);
});

Deno.test("a compiled node runs the etcd that it is told to, a path or one on the PATH", async () => {
  for (const given of ["etcd", "/usr/bin/false"]) {
    await using folders = await nodeFolders();
    const node = await start(folders, "--etcd", given);
    await assert.rejects(
      Deno.stat(`${folders.data}/bin`),
      Deno.errors.NotFound,
    );
    await node.stop();
  }
});

Deno.test("a compiled node refuses an etcd that is not there, though it has one", async () => {
  await using folders = await nodeFolders();
  await assertRefused(folders, {
    program: program(),
    args: ["--etcd", "/nowhere/etcd"],
    code: 1,
    says: ["/nowhere/etcd", "--etcd"],
  });
});
