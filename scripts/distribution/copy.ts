import { dirname } from "node:path";
import { CompileError } from "./errors.ts";

/**
 * Copies a file, or a folder with all below it.
 *
 * @param from The file or folder.
 * @param to Where; what is above it is made.
 * @param wanted Tells by its name whether a file is. @default every file
 * @throws {CompileError} For a symbolic link, of which nobody can say whether it leads to what belongs here.
 */
export async function copy(
  from: string,
  to: string,
  wanted: (name: string) => boolean = () => true,
): Promise<void> {
  const { isDirectory, isSymlink } = await Deno.lstat(from);
  if (isSymlink) {
    throw new CompileError(
      `Cannot take "${from}" in: it is a symbolic link; put what it leads to in its place`,
    );
  }
  if (!isDirectory) {
    await Deno.mkdir(dirname(to), { recursive: true });
    await Deno.copyFile(from, to);
    return;
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile && !wanted(name)) continue;
    await copy(`${from}/${name}`, `${to}/${name}`, wanted);
  }
}
