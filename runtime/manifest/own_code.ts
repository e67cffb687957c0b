import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isWithin } from "./granted_path.ts";
import { realPath } from "./real_path.ts";

/**
 * Says what of a plugin's code is its own, which it may read without being granted to: a plugin of
 * several files is a folder with a `mod.ts`; any other module stands alone among what is not its own.
 *
 * @param module The plugin's module.
 * @returns The folder, or the file; undefined where nothing is read to load it, as for `data:`.
 */
export function ownCode(module: URL): string | undefined {
  if (module.protocol !== "file:") return undefined;
  const path = fileURLToPath(module);
  return path.endsWith("/mod.ts") ? dirname(path) : path;
}

/**
 * Looks for a symbolic link by which a plugin would read, through its own folder, what is not in it.
 *
 * @param module The plugin's module.
 * @returns The advice, or undefined where there is no such link.
 */
export async function linkOutOfCode(module: URL): Promise<string | undefined> {
  const code = ownCode(module);
  if (code === undefined || !await isFolder(code)) return undefined;
  return await linkOutOf(code, realPath(code));
}

async function linkOutOf(
  folder: string,
  code: string,
): Promise<string | undefined> {
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isSymlink && !isWithin(await target(path), code)) {
      return `The plugin may read its folder, and "${path}" is a symbolic link out of it; put a copy there`;
    }
    const found = isDirectory ? await linkOutOf(path, code) : undefined;
    if (found !== undefined) return found;
  }
}

/** Where a link leads, also one that leads nowhere yet. */
async function target(link: string): Promise<string> {
  return realPath(resolve(dirname(link), await Deno.readLink(link)));
}

/** One that is not there fails where it is loaded, with the name of the module. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
