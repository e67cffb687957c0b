/** What is below a folder, one line for each thing: enough to tell whether anything was changed. */
export type Tree = readonly string[];

/**
 * Takes down all that is below a folder: kind, mode, owner, and of files size, time of change and content.
 *
 * @param folder The folder; one that does not exist is an empty tree.
 * @returns A line for each thing, in order.
 */
export async function tree(folder: string): Promise<Tree> {
  const lines: string[] = [];
  await walk(folder, ".", lines);
  return lines;
}

async function walk(
  folder: string,
  path: string,
  lines: string[],
): Promise<void> {
  const full = `${folder}/${path}`;
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(full);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const mode = (info.mode ?? 0).toString(8);
  // A folder in which something was made and removed again is as it was.
  const file = info.isDirectory
    ? ""
    : ` ${info.size} ${info.mtime?.toISOString()}`;
  // Of etcd's log of 64 MiB, size and time of change tell enough.
  const hashed = info.isFile && info.size < 1024 * 1024;
  const content = hashed ? ` ${await digest(full)}` : "";
  lines.push(`${path} ${mode} ${info.uid}${file}${content}`);
  if (!info.isDirectory) return;
  const names: string[] = [];
  for await (const { name } of Deno.readDir(full)) names.push(name);
  for (const name of names.sort()) await walk(folder, `${path}/${name}`, lines);
}

async function digest(path: string): Promise<string> {
  const content = await Deno.readFile(path);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
}
