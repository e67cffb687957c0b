import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
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
  const builtIn = resolve(path) === BUILT_IN
    ? undefined
    : { text: await read(BUILT_IN), path: BUILT_IN };
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

/** Whose plugins others take over. */
const BUILT_IN = fileURLToPath(new URL("../../deno.json", import.meta.url));

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
