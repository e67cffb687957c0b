import type { NodeFolders } from "../support/node_process.ts";

/** What a distribution is made of beside the built-in plugins. */
export interface DistributionOptions {
  /** Its own entries of the manifest, as they are written there. */
  readonly plugins: Readonly<Record<string, unknown>>;
  /** The folder or the files of its own plugins, by their path in the distribution. */
  readonly files: Readonly<Record<string, URL | string>>;
}

/** A folder with a manifest: the built-in plugins, and some that are nobody else's. */
export interface Distribution {
  readonly path: string;
  readonly manifest: string;
}

/**
 * Makes a distribution: a folder of its own, with a manifest that takes over the built-in plugins.
 *
 * @param folders The node that is to run it; it is removed together with them.
 * @param options See {@linkcode DistributionOptions}.
 * @returns Where it is.
 */
export async function makeDistribution(
  folders: NodeFolders,
  { plugins, files }: DistributionOptions,
): Promise<Distribution> {
  const path = `${folders.root}/distribution`;
  await Deno.mkdir(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (content instanceof URL) await copyFolder(content, `${path}/${name}`);
    else await writeFile(`${path}/${name}`, content);
  }
  const manifest = `${path}/deno.json`;
  await writeManifest(manifest, plugins);
  return { path, manifest };
}

/**
 * Writes the manifest of a distribution.
 *
 * @param manifest Where.
 * @param plugins Its own entries.
 */
export async function writeManifest(
  manifest: string,
  plugins: Readonly<Record<string, unknown>>,
): Promise<void> {
  await Deno.writeTextFile(
    manifest,
    `${JSON.stringify({ extends: "hamlet", plugins }, null, 2)}\n`,
  );
}

async function writeFile(path: string, content: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, content);
}

/** Copies the files of a folder, so that nothing done to them is done to this checkout. */
async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(new URL(`${from}/${name}`), `${to}/${name}`);
  }
}
