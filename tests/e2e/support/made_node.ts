import assert from "node:assert/strict";
import { run } from "../../support/process.ts";
import { type NodeFolders, nodeFolders, NodeProcess } from "./node_process.ts";

/**
 * Makes a node that has been ready, and ends it in order.
 *
 * @returns Its folders.
 */
export async function madeNode(): Promise<NodeFolders> {
  await using cleanup = new AsyncDisposableStack();
  const folders = cleanup.use(await nodeFolders());
  await using node = new NodeProcess(folders);
  await node.ready();
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
  cleanup.move();
  return folders;
}

/**
 * Copies a node that does not run.
 *
 * @param from Its folders.
 * @returns The copy's.
 */
export async function copyNode(from: NodeFolders): Promise<NodeFolders> {
  await using cleanup = new AsyncDisposableStack();
  const to = cleanup.use(await nodeFolders());
  await run("cp", ["-a", "--sparse=always", from.data, from.run, to.root]);
  cleanup.move();
  return to;
}
