import { createHash } from "node:crypto";

/** A file, by its path below a folder. */
export interface DigestedFile {
  readonly path: string;
  /** Its length in bytes. */
  readonly size: number;
  /** Its SHA-256 in hex. */
  readonly digest: string;
}

/**
 * Looks at every file of a folder.
 *
 * @param folder The folder.
 * @param below Where to begin, from there. @default the folder itself
 * @returns The files, in the order of their paths.
 */
export async function digestFiles(
  folder: string,
  below = "",
): Promise<DigestedFile[]> {
  const files: DigestedFile[] = [];
  for await (
    const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)
  ) {
    const path = `${below}${name}`;
    if (isDirectory) files.push(...await digestFiles(folder, `${path}/`));
    else {
      const bytes = await Deno.readFile(`${folder}/${path}`);
      files.push({ path, size: bytes.length, digest: digestOf(bytes) });
    }
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * The SHA-256 of bytes or of text.
 *
 * @param content What to digest.
 * @returns It in hex.
 */
export function digestOf(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * One digest for many files.
 *
 * @param files The files.
 * @returns The SHA-256 of their list, in hex.
 */
export function digestOfAll(files: readonly DigestedFile[]): string {
  return digestOf(
    files.map(({ path, digest }) => `${digest}  ${path}\n`).join(""),
  );
}
