import { Buffer } from "node:buffer";
import { writeFileAtomic } from "../atomic_file.ts";

/** A hosts file that cannot have the block as it is. */
export class HostsBlockError extends Error {
  override readonly name = "HostsBlockError";
}

const BEGIN = "# Begin of the nodes of Hamlet: written by it, do not edit\n";
const END = "# End of the nodes of Hamlet\n";

/**
 * Makes lines the marked block of a hosts file; appends one where there is none.
 *
 * @param path The file.
 * @param lines What stands between the markers.
 * @returns Whether anything had to be written.
 * @throws {HostsBlockError} If the file cannot be read or written, or its markers are not one pair.
 */
export async function writeHostsBlock(
  path: string,
  lines: readonly string[],
): Promise<boolean> {
  try {
    // Where the name is a link, what it leads to is replaced, not the link.
    const real = await Deno.realPath(path);
    const before = await Deno.readFile(real);
    const after = withBlock(before, lines);
    if (after === undefined) {
      throw new HostsBlockError(
        `Cannot write the nodes into "${path}": its lines "${BEGIN.trim()}" and "${END.trim()}" are not one pair; ` +
          `remove them and what is between them`,
      );
    }
    if (Buffer.compare(before, after) === 0) return false;
    await replace(real, after);
    return true;
  } catch (cause) {
    if (cause instanceof HostsBlockError) throw cause;
    const why = cause instanceof Error ? cause.message : `${cause}`;
    throw new HostsBlockError(
      `Cannot write the nodes into "${path}": ${why}; allow it, or leave out plugins.hostsfile.etcHosts`,
      { cause },
    );
  }
}

/**
 * Puts the block into a file's content.
 *
 * @param content The file's bytes, which need not be text.
 * @param lines What stands between the markers.
 * @returns The new content; undefined where the markers are not one pair.
 */
export function withBlock(
  content: Uint8Array,
  lines: readonly string[],
): Uint8Array | undefined {
  // One character for each byte, both ways, whatever the file's encoding is.
  const text = Buffer.from(content).toString("latin1");
  const block = BEGIN + lines.map((line) => `${line}\n`).join("") + END;
  const begins = positions(text, BEGIN);
  const ends = positions(text, END);
  const [begin = text.length] = begins;
  const [end = text.length] = ends;
  if (begins.length !== ends.length || begins.length > 1 || begin > end) {
    return undefined;
  }
  const rest = text.slice(begins.length === 0 ? end : end + END.length);
  const head = text.slice(0, begin);
  const gap = head === "" || head.endsWith("\n") ? "" : "\n";
  return Buffer.from(head + gap + block + rest, "latin1");
}

/** Where a marker stands at the beginning of a line. */
function positions(text: string, marker: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(marker); at >= 0;) {
    if (at === 0 || text[at - 1] === "\n") found.push(at);
    at = text.indexOf(marker, at + 1);
  }
  return found;
}

async function replace(path: string, content: Uint8Array): Promise<void> {
  const { mode, uid, gid } = await Deno.stat(path);
  try {
    await writeFileAtomic(path, content, { mode: (mode ?? 0o644) & 0o777 });
    if (uid !== null && gid !== null) await Deno.chown(path, uid, gid);
  } catch (error) {
    if (!mustWriteInPlace(error)) throw error;
    await Deno.remove(`${path}.new`).catch(() => {});
    await writeInPlace(path, content);
  }
}

/**
 * Containers and network namespaces mount the file by itself: a mount point cannot be renamed over (EBUSY), and its
 * folder may be read-only.
 */
function mustWriteInPlace(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    ["EBUSY", "EROFS", "EACCES", "EPERM"].includes(`${error.code}`);
}

/** Not atomic: who reads meanwhile may see a file that is cut off, and reads it again at the next lookup. */
async function writeInPlace(path: string, content: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  for (let written = 0; written < content.length;) {
    written += await file.write(content.subarray(written));
  }
  await file.truncate(content.length);
  await file.sync();
}
