import { fileURLToPath } from "node:url";
import { build } from "../this_build.ts";
import { StartError } from "./errors.ts";

const root = new URL("../../", import.meta.url);

/** Hamlet's own file, whose plugins others take over. */
export const BUILT_IN_MANIFEST = fileURLToPath(new URL("deno.json", root));

/**
 * Finds the file that declares the plugins.
 *
 * @param asked The one that the command line names.
 * @returns Its path.
 * @throws {StartError} Where another than its own is asked of a compiled program.
 */
export function manifestPath(asked: string | undefined): string {
  if (asked !== undefined && build !== undefined) {
    throw new StartError(
      2,
      `Cannot use manifest "${asked}": what this program declares was fixed when it was compiled, \`hamlet plugins\` ` +
        `shows it; make another one with scripts/compile --config "${asked}"`,
    );
  }
  if (asked !== undefined) return asked;
  return build === undefined
    ? BUILT_IN_MANIFEST
    : fileURLToPath(new URL(build.manifest, root));
}
