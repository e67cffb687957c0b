/** A folder for the files of one test. */
export interface Files extends AsyncDisposable {
  readonly folder: string;
  /** Writes a file and gives its path. */
  write(name: string, content: Uint8Array): Promise<string>;
}

/** Makes a folder that is gone after `await using`. */
export async function temporaryFiles(): Promise<Files> {
  const folder = await Deno.makeTempDir({ prefix: "hamlet-" });
  return {
    folder,
    async write(name, content) {
      const path = `${folder}/${name}`;
      await Deno.writeFile(path, content);
      return path;
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}
