import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isWithin } from "./granted_path.ts";

/**
 * Finds a plugin's module.
 *
 * @param module A path relative to the manifest, or a `file:` URL.
 * @param manifest The manifest's path.
 * @returns Its URL, or the advice what would be right.
 */
export function moduleUrl(module: string, manifest: string): URL | string {
  const folder = dirname(resolve(manifest));
  const path = module.startsWith("file:")
    ? pathOf(module)
    : /^\.\.?\//.test(module)
    ? resolve(folder, module)
    : undefined;
  if (path === undefined) {
    return 'Write a path relative to this file that starts with "./"; a plugin from elsewhere is copied into the distribution';
  }
  if (!isWithin(path, folder) || path === folder) {
    return `Name a module below "${folder}"`;
  }
  // Its Worker may read the folder of a mod.ts: here that would be everything.
  if (path === resolve(folder, "mod.ts")) {
    return 'Give the plugin a folder of its own, such as "./plugins/NAME/mod.ts"';
  }
  return pathToFileURL(path);
}

function pathOf(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    // Such as one with a host, or an escaped slash.
    return undefined;
  }
}
