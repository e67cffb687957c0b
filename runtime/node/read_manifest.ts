import {
  type Manifest,
  ManifestError,
  parseManifest,
} from "../manifest/mod.ts";
import { StartError } from "./errors.ts";

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
    const why = cause instanceof Deno.errors.NotFound
      ? "there is none"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new StartError(1, `Cannot read manifest "${path}": ${why}`, {
      cause,
    });
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
