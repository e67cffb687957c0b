import { basename, dirname, join } from "node:path";

/**
 * Follows the symbolic links on the way to a path, as far as it exists.
 *
 * @param path An absolute path.
 * @returns What would be opened under that name.
 */
export function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (!isAbsence(error) || path === "/") throw error;
    return join(realPath(dirname(path)), basename(path));
  }
}

/**
 * Finds the first symbolic link on the way from a folder to what is below it.
 *
 * @param folder Where the way starts; itself it may be a link.
 * @param path The folder, or a path below it.
 * @returns The path of the link, also of one that leads nowhere; undefined where there is none.
 */
export function symbolicLinkBelow(
  folder: string,
  path: string,
): string | undefined {
  let at = folder;
  for (const name of path.slice(folder.length).split("/")) {
    if (name === "") continue;
    at = join(at, name);
    try {
      if (Deno.lstatSync(at).isSymlink) return at;
    } catch (error) {
      if (!isAbsence(error)) throw error;
      return;
    }
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}
