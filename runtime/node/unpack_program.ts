import { createHash } from "node:crypto";
import { writeFileAtomic } from "../atomic_file.ts";
import { ifThere } from "../if_there.ts";
import { StartError } from "./errors.ts";

/** How much of a file is in memory at a time, in bytes. */
const CHUNK = 1024 * 1024;

/** A program that comes with this one. */
export interface PackedProgram {
  /** What the manifest calls it. */
  readonly name: string;
  /** Where it is inside. */
  readonly source: URL;
  /** Its SHA-256 in hex. */
  readonly digest: string;
}

/**
 * Puts a program where the kernel can execute it, unless it is there already, and checks that it is what it was.
 *
 * @param program The program.
 * @param folder Where; made if it is missing.
 * @returns A path to execute it by: a link of its name, by which people and tools know a process, to the file, whose
 * name is its digest.
 * @throws {StartError} If another content is there under that name.
 */
export async function unpackProgram(
  { name, source, digest }: PackedProgram,
  folder: string,
): Promise<string> {
  const path = `${folder}/${digest}`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await digestOf(path);
  if (found === undefined) {
    await writeFileAtomic(path, await Deno.readFile(source), { mode: 0o500 });
  }
  const now = found ?? await digestOf(path);
  if (now === digest) return await link(digest, `${folder}/${name}`);
  throw new StartError(
    1,
    `Cannot run "${path}": it is not the ${name} that this program wrote there, its SHA-256 is ${now}; find out who ` +
      `changed it, then remove it, and the next start writes it anew`,
  );
}

/** Makes a symbolic link, or leads one elsewhere, in one step. */
async function link(target: string, path: string): Promise<string> {
  const now = await Deno.readLink(path).catch(() => undefined);
  if (now === target) return path;
  const temporary = `${path}.new`;
  await ifThere(Deno.remove(temporary));
  await Deno.symlink(target, temporary);
  await Deno.rename(temporary, path);
  return path;
}

/** The SHA-256 of a file; undefined where there is none. */
async function digestOf(path: string): Promise<string | undefined> {
  using file = await ifThere(Deno.open(path));
  if (file === undefined) return undefined;
  const hash = createHash("sha256");
  const buffer = new Uint8Array(CHUNK);
  for (;;) {
    const length = await file.read(buffer);
    if (length === null) return hash.digest("hex");
    hash.update(buffer.subarray(0, length));
  }
}
