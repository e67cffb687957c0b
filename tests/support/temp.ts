/** A folder that is removed, with all that is in it, at the end of its `await using`. */
export interface TempFolder extends AsyncDisposable {
  /** The absolute path: below 40 characters, so that the path of a unix socket in it fits into 107. */
  readonly path: string;
}

/**
 * Makes an empty folder for one test.
 *
 * @returns The folder, of mode 0700.
 *
 * @example A folder for the length of a block
 * ```ts
 * import { tempFolder } from "./temp.ts";
 *
 * await using folder = await tempFolder();
 * await Deno.writeTextFile(`${folder.path}/name`, "value");
 * ```
 */
export async function tempFolder(): Promise<TempFolder> {
  // Not below TMPDIR: it may be long.
  const path = await Deno.makeTempDir({ dir: "/tmp", prefix: "hamlet-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
