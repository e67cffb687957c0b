import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Finds the folder of an npm package, in Deno's cache as in a compiled program.
 *
 * @param name A package among the imports of `deno.json`.
 * @returns The folder's absolute path.
 * @throws {TypeError} Where there is no such package, or it has no `package.json` to import.
 */
export async function packageFolder(name: string): Promise<string> {
  const file = `${name}/package.json`;
  // Only a package that something has imported is known to the resolver; this file runs no code.
  await import(file, { with: { type: "json" } });
  return dirname(fileURLToPath(import.meta.resolve(file)));
}
