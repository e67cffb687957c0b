import { failpoint } from "../failpoint.ts";
import { setTimeout as delay } from "node:timers/promises";
import { StartError } from "./errors.ts";

/** How long a lock may outlive its node, in milliseconds. */
const INHERITED_MS = 300;

/**
 * The exclusive right to a folder, held by flock(2) on its file `lock`: the kernel takes it back when the process
 * ends, also after SIGKILL. The file says which process holds it, for the message to whoever comes second.
 */
export class FolderLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Locks a folder until the lock is disposed of or the process ends.
   *
   * @param folder The folder, which must be there.
   * @returns The lock.
   * @throws {StartError} If another process has it.
   */
  static async take(folder: string): Promise<FolderLock> {
    const path = `${folder}/lock`;
    for (;;) {
      const file = await Deno.open(path, {
        read: true,
        write: true,
        create: true,
        mode: 0o600,
      });
      try {
        if (!await tryLock(file, true)) throw await heldError(folder, file);
        // Who held it may have removed it meanwhile, as a start that failed does: a lock on that keeps nobody out.
        if (!await isAt(file, path)) {
          file.close();
          continue;
        }
        await file.truncate();
        await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
        failpoint(`after lock ${folder}`);
      } catch (error) {
        file.close();
        throw error;
      }
      return new FolderLock(file);
    }
  }

  /**
   * Looks whether a folder could be locked, and changes nothing.
   *
   * @param folder The folder, which need not be there.
   * @throws {StartError} If another process has it.
   */
  static async refuseHeld(folder: string): Promise<void> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(`${folder}/lock`, { read: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    using held = file;
    // Shared, so that two that only look do not take each other for a node.
    if (!await tryLock(held, false)) throw await heldError(folder, held);
  }

  /** Gives the folder back. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).ino === (await file.stat()).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Tries for a moment: between fork(2) and exec(2) a new process has the open files of the one that starts it, locks
 * included, so that a lock may outlive its node by that much.
 */
async function tryLock(
  file: Deno.FsFile,
  exclusive: boolean,
): Promise<boolean> {
  for (const until = Date.now() + INHERITED_MS; Date.now() < until;) {
    if (await file.tryLock(exclusive)) return true;
    await delay(20);
  }
  return await file.tryLock(exclusive);
}

async function heldError(
  folder: string,
  file: Deno.FsFile,
): Promise<StartError> {
  const buffer = new Uint8Array(32);
  const length = await file.read(buffer) ?? 0;
  const pid = new TextDecoder().decode(buffer.subarray(0, length)).trim();
  return new StartError(
    1,
    `Cannot use folder "${folder}": another Hamlet runs on it, process ${
      pid || "unknown"
    }; stop that one first, or ` +
      `give this one folders of its own with --data-dir and --run-dir`,
  );
}
