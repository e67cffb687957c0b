import assert from "node:assert/strict";
import { nodeFolders, NodeProcess } from "./node_process.ts";

/** A step of a cold start, in the thread of one plugin or of the core. */
export interface Step {
  /** The DN of the thread's runnable: `root` for the core. */
  readonly thread: string;
  /** The name, with `ROOT` in the place of the node's folder, and which of its occurrences in that thread. */
  readonly name: string;
}

/**
 * Runs a node from nothing to ready and to its end, and lists every step that it comes by, in order.
 *
 * @param args More of its command line.
 */
export async function listSteps(
  args: readonly string[] = [],
): Promise<Step[]> {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, {
    args,
    env: { HAMLET_FAILPOINT: "list" },
  });
  await node.ready();
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
  const seen = new Map<string, number>();
  return node.log.flatMap(({ dn, message }) => {
    const [, point] = message.match(/^Failpoint "?(.*?)"?$/) ?? [];
    if (point === undefined) return [];
    const thread = dn.split(".").slice(0, 2).join(".");
    const key = `${thread} ${point}`;
    const occurrence = (seen.get(key) ?? 0) + 1;
    seen.set(key, occurrence);
    const name = `${point.replace(folders.root, "ROOT")}#${occurrence}`;
    return [{ thread, name }];
  });
}
