import { setTimeout as delay } from "node:timers/promises";
import { ifThere } from "./if_there.ts";

/** How long a lock may outlive the process that took it, in milliseconds. */
const INHERITED_MS = 300;

/**
 * Tries for a moment to lock a file by flock(2): between fork(2) and exec(2) a new process has the open files of the
 * one that starts it, locks included, so that a lock may outlive its process by that much.
 *
 * @param file The file, open.
 * @param exclusive Whether to keep out everybody, or only those who want it exclusively.
 * @returns Whether it is locked now.
 */
export async function tryLock(
  file: Deno.FsFile,
  exclusive: boolean,
): Promise<boolean> {
  for (const until = Date.now() + INHERITED_MS; Date.now() < until;) {
    if (await file.tryLock(exclusive)) return true;
    await delay(20);
  }
  return await file.tryLock(exclusive);
}

/**
 * Looks who has the exclusive lock of a folder, and changes nothing.
 *
 * @param folder The folder, which need not be there.
 * @returns The process's ID, as its lock file says it; undefined where nobody has it.
 * @throws {Deno.errors.PermissionDenied} Where only others may look.
 */
export async function lockHolder(folder: string): Promise<string | undefined> {
  using file = await ifThere(Deno.open(`${folder}/lock`, { read: true }));
  if (file === undefined) return undefined;
  // Shared, so that two that only look do not take each other for a node.
  return await tryLock(file, false) ? undefined : await writtenHolder(file);
}

/**
 * Reads what whoever has locked a file wrote into it.
 *
 * @param file The file, open.
 * @returns The process's ID, or `unknown`.
 */
export async function writtenHolder(file: Deno.FsFile): Promise<string> {
  const buffer = new Uint8Array(32);
  const length = await file.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length)).trim() ||
    "unknown";
}
