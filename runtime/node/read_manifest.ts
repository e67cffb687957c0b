import { resolve } from "node:path";
import {
  type Manifest,
  ManifestError,
  parseManifest,
} from "../manifest/mod.ts";
import { StartError } from "./errors.ts";
import { BUILT_IN_MANIFEST } from "./manifest_path.ts";
import { whyUnreadable } from "./why_unreadable.ts";

/**
 * Reads the file that declares the plugins.
 *
 * @param path The file.
 * @returns What it declares.
 * @throws {StartError} If it cannot be read, or used; then with `FILE:LINE:COLUMN` of everything that is wrong with it.
 */
export async function readManifest(path: string): Promise<Manifest> {
  const builtIn = resolve(path) === BUILT_IN_MANIFEST
    ? undefined
    : { text: await read(BUILT_IN_MANIFEST), path: BUILT_IN_MANIFEST };
  const text = await read(path);
  try {
    return parseManifest(text, path, builtIn);
  } catch (cause) {
    if (!(cause instanceof ManifestError)) throw cause;
    throw new StartError(
      1,
      `Cannot use manifest "${path}"; correct it and start again:\n${cause.message}`,
      { cause },
    );
  }
}

async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new StartError(
      1,
      `Cannot read manifest "${path}": ${whyUnreadable(cause)}`,
      { cause },
    );
  }
}
