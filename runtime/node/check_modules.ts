import { fileURLToPath } from "node:url";
import type { PluginEntry } from "../manifest/mod.ts";
import { StartError } from "./errors.ts";

/**
 * Looks whether the code of plugins is there: one without would be tried again for ever.
 *
 * @param plugins The plugins.
 * @throws {StartError} With the place in the manifest of every module that is missing.
 */
export async function checkModules(
  plugins: readonly PluginEntry[],
): Promise<void> {
  const problems: string[] = [];
  for (const { name, module, locate } of plugins) {
    const path = fileURLToPath(module);
    if (await isFile(path)) continue;
    problems.push(
      `${
        locate(["module"])
      }: Cannot load plugin "${name}": there is no file "${path}"; correct "module", or put the plugin's code there`,
    );
  }
  if (problems.length > 0) throw new StartError(1, problems.join("\n"));
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return false;
    throw error;
  }
}
