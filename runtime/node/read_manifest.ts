import {
  type Manifest,
  ManifestError,
  parseManifest,
} from "../manifest/mod.ts";
import { StartError } from "./errors.ts";
import { whyUnreadable } from "./why_unreadable.ts";

/**
 * Reads the file that declares the plugins.
 *
 * @param path The file.
 * @returns What it declares.
 * @throws {StartError} If it cannot be read, or used; then with `FILE:LINE:COLUMN` of everything that is wrong with it.
 */
export async function readManifest(path: string): Promise<Manifest> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new StartError(
      1,
      `Cannot read manifest "${path}": ${whyUnreadable(cause)}`,
      { cause },
    );
  }
  try {
    return parseManifest(text, path);
  } catch (cause) {
    if (!(cause instanceof ManifestError)) throw cause;
    throw new StartError(
      1,
      `Cannot use manifest "${path}"; correct it and start again:\n${cause.message}`,
      { cause },
    );
  }
}
