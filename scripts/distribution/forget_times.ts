/**
 * Sets the times of all files to the same: they get into what is made of them, and each would be another.
 *
 * @param path A file, or a folder with all below it.
 */
export async function forgetTimes(path: string): Promise<void> {
  const { isDirectory } = await Deno.lstat(path);
  if (isDirectory) {
    for await (const { name } of Deno.readDir(path)) {
      await forgetTimes(`${path}/${name}`);
    }
  }
  await Deno.utime(path, 0, 0);
}
