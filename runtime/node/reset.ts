import { removeFileDurably } from "../atomic_file.ts";
import { StartError } from "./errors.ts";
import { FolderLock } from "./folder_lock.ts";
import { examineData, LOST_AND_FOUND, resolveFolders } from "./folders.ts";
import { type NodeFile, readNodeFile } from "./node_file.ts";
import type { NodeSettings } from "./settings.ts";

/** What a reset removes. */
export interface ResetTarget {
  /** The data folder. */
  readonly data: string;
  /** Who is in it, where that can be read. */
  readonly node: NodeFile | undefined;
  /** What is in it. */
  readonly entries: readonly string[];
}

/**
 * Looks what there is to remove, and changes nothing.
 *
 * @param settings The folders.
 * @returns What is there.
 * @throws {StartError} If a node runs on the folders, or what is in there is no node's.
 */
export async function examineReset(
  { dataDir = "/var/lib/hamlet", runDir = "/run/hamlet" }: Pick<
    NodeSettings,
    "dataDir" | "runDir"
  >,
): Promise<ResetTarget> {
  const { data, run } = await resolveFolders(dataDir, runDir);
  const advice = "stop that one first";
  await FolderLock.refuseHeld(run, advice);
  await FolderLock.refuseHeld(data, advice);
  const state = await examineData(data);
  const node = state === "node"
    // A node whose file is damaged is one that a person wants to be rid of.
    ? await readNodeFile(data).catch((error: unknown) => {
      if (error instanceof StartError) return undefined;
      throw error;
    })
    : undefined;
  return { data, node, entries: await entriesOf(data) };
}

/**
 * Empties a data folder. After a crash at any instant it is still a node's, so that it may be done again.
 *
 * @param target What {@linkcode examineReset} found.
 * @throws {StartError} If a node runs there now.
 */
export async function resetNode({ data }: ResetTarget): Promise<void> {
  using _lock = await FolderLock.take(data);
  for (const name of await entriesOf(data)) {
    if (name !== NODE_FILE) {
      await Deno.remove(`${data}/${name}`, { recursive: true });
    }
  }
  await removeFileDurably(`${data}/${NODE_FILE}`);
  await Deno.remove(`${data}/lock`);
}

/** What makes the folder a node's. */
const NODE_FILE = "node.json";

async function entriesOf(data: string): Promise<string[]> {
  const kept = ["lock", LOST_AND_FOUND];
  try {
    const entries = await Array.fromAsync(Deno.readDir(data));
    return entries.map(({ name }) => name).filter((name) =>
      !kept.includes(name)
    ).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
