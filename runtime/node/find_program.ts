import { access, constants } from "node:fs/promises";

/**
 * Finds a program as execvp(3) would.
 *
 * @param name Its name, or a path to it.
 * @param path The folders to look in, separated by colons.
 * @returns Its path, or undefined where there is none that may be run.
 */
export async function findProgram(
  name: string,
  path: string,
): Promise<string | undefined> {
  const candidates = name.includes("/")
    ? [name]
    : path.split(":").filter((folder) => folder !== "").map((folder) =>
      `${folder}/${name}`
    );
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      if ((await Deno.stat(candidate)).isFile) return candidate;
    } catch {
      // Not there, or not for us: the next one.
    }
  }
  return undefined;
}
