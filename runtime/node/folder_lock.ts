import { failpoint } from "../failpoint.ts";
import { lockHolder, tryLock, writtenHolder } from "../flock.ts";
import { StartError } from "./errors.ts";

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
      const file = await openLock(folder, path);
      try {
        if (!await tryLock(file, true)) {
          throw heldError(folder, await writtenHolder(file));
        }
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
   * @param advice What to do then.
   * @throws {StartError} If another process has it.
   */
  static async refuseHeld(folder: string, advice?: string): Promise<void> {
    const holder = await lockHolder(folder);
    if (holder !== undefined) throw heldError(folder, holder, advice);
  }

  /** Gives the folder back. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

async function openLock(folder: string, path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, {
      read: true,
      write: true,
      create: true,
      mode: 0o600,
    });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.IsADirectory)) throw cause;
    throw new StartError(
      1,
      `Cannot use folder "${folder}": "${path}" is a folder, and a file belongs there; move it away`,
      { cause },
    );
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

function heldError(
  folder: string,
  holder: string,
  advice =
    "stop that one first, or give this one folders of its own with --data-dir and --run-dir",
): StartError {
  return new StartError(
    1,
    `Cannot use folder "${folder}": another Hamlet runs on it, process ${holder}; ${advice}`,
  );
}
