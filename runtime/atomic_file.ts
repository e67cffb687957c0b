import { failpoint } from "./failpoint.ts";

/** Options of {@linkcode writeFileAtomic}. */
export interface WriteFileAtomicOptions {
  /** The file's permission bits. @default 0o600 */
  readonly mode?: number;
}

/**
 * Replaces a file so that a reader, and a start after a crash at any instant, sees either the old
 * content or the new one: writes `PATH.new`, syncs it, renames it, and syncs the folder, since
 * rename(2) alone does not make the new name durable.
 *
 * @param path The file; a plugin needs a write grant for it, and both read and write for `PATH.new`.
 * @param content Bytes, or text as UTF-8.
 * @param options See {@linkcode WriteFileAtomicOptions}.
 * @throws {Deno.errors.NotCapable} Without the grant.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  options: WriteFileAtomicOptions = {},
): Promise<void> {
  const mode = options.mode ?? 0o600;
  const temporary = `${path}.new`;
  // Never written through what an earlier crash, or somebody else, left under that name.
  await Deno.remove(temporary).catch(ignoreNotFound);
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  const file = await Deno.open(temporary, {
    write: true,
    createNew: true,
    mode,
  });
  try {
    {
      using _ = file;
      failpoint(`after create ${temporary}`);
      for (let written = 0; written < bytes.length;) {
        written += await file.write(bytes.subarray(written));
      }
      // The mode given to open(2) is reduced by the umask.
      await Deno.chmod(temporary, mode);
      await file.sync();
    }
    failpoint(`before rename ${path}`);
    await Deno.rename(temporary, path);
  } catch (error) {
    // On a full disk it would hold the little room that is left; the caller learns of the first error alone.
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  failpoint(`after rename ${path}`);
  await syncFolderOf(path);
}

/**
 * Removes a file for good: durable even if the machine fails right after.
 *
 * @param path The file; one that does not exist is fine.
 */
export async function removeFileDurably(path: string): Promise<void> {
  failpoint(`before remove ${path}`);
  await Deno.remove(path).catch(ignoreNotFound);
  await syncFolderOf(path);
  failpoint(`after remove ${path}`);
}

/** fsync(2) of the folder that holds `path`, where the caller may open it. */
async function syncFolderOf(path: string): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch (error) {
    // A plugin that was granted single files cannot open their folder. Its files are such as can be
    // written again: what must survive a crash lies in folders granted whole.
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
