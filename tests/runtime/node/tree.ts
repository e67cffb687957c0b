/**
 * Everything below a folder, to compare it before and after.
 *
 * @param folder The folder; one that is not there has nothing.
 * @returns By path: the mode, and the content of a file.
 */
export async function tree(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  try {
    const { mode } = await Deno.lstat(folder);
    found[folder] = (mode ?? 0).toString(8);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return found;
    throw error;
  }
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) Object.assign(found, await tree(path));
    else {found[path] = `${(await Deno.lstat(path)).mode?.toString(8)} ${
        isFile ? await Deno.readTextFile(path) : ""
      }`;}
  }
  return found;
}
