import { CompileError } from "./errors.ts";

/**
 * Where programs are put together, always: `deno compile` writes absolute paths into what it makes, and of the same
 * input the same is to come out.
 */
const FOLDER = "/tmp/hamlet-compile";

/** A folder that is this process's alone until it is disposed of, and then gone. */
export interface Staging extends AsyncDisposable {
  readonly path: string;
}

/**
 * Takes the folder in which a program is put together, after whoever has it now.
 *
 * @returns The folder, empty.
 * @throws {CompileError} Where it is somebody else's.
 */
export async function takeStaging(): Promise<Staging> {
  for (;;) {
    await Deno.mkdir(FOLDER, { mode: 0o700 }).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
    const { isDirectory, uid } = await Deno.lstat(FOLDER);
    if (!isDirectory || uid !== Deno.uid()) {
      throw new CompileError(
        `Cannot use "${FOLDER}": it belongs to user ${uid}; remove it, or compile as that user`,
      );
    }
    const folder = await Deno.open(FOLDER);
    await folder.lock(true);
    // Whoever had it has removed it, and it may have been made anew since.
    const { ino } = await folder.stat();
    const now = await Deno.lstat(FOLDER).catch(() => undefined);
    if (now?.ino !== ino) {
      folder.close();
      continue;
    }
    for await (const { name } of Deno.readDir(FOLDER)) {
      await Deno.remove(`${FOLDER}/${name}`, { recursive: true });
    }
    return {
      path: FOLDER,
      async [Symbol.asyncDispose]() {
        await Deno.remove(FOLDER, { recursive: true });
        folder.close();
      },
    };
  }
}
