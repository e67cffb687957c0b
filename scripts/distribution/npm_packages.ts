import * as v from "valibot";
import { copy } from "./copy.ts";
import { CompileError } from "./errors.ts";
import { output } from "./output.ts";

const DenoInfo = v.object({ npmCache: v.string() });
const Lock = v.object({ npm: v.record(v.string(), v.unknown()) });

/** What nothing reads while a program runs: types, and where the text of a module came from. */
const NOT_RUN = /\.(?:[cm]?ts|map|flow)$/;

/**
 * Copies the npm packages of a lock file out of Deno's cache into another one.
 *
 * @param deno The Deno whose cache it is.
 * @param lock The lock file.
 * @param cache The other cache.
 * @returns The packages, as `NAME@VERSION`.
 * @throws {CompileError} If one is not there.
 */
export async function copyPackages(
  deno: string,
  lock: string,
  cache: string,
): Promise<string[]> {
  const info = await output(deno, ["info", "--json"]);
  const { npmCache } = v.parse(DenoInfo, JSON.parse(info));
  const { npm } = v.parse(Lock, JSON.parse(await Deno.readTextFile(lock)));
  // Of a package with peers the key goes on after the version.
  const packages = Object.keys(npm).map((key) =>
    key.match(/^(@?[^@]+)@([^_]+)/)
  ).filter((match) => match !== null).map(([, name = "", version = ""]) => ({
    name,
    version,
  }));
  for (const { name, version } of packages) {
    const folder = await folderIn(npmCache, name);
    const to = `${cache}/npm/${folder}`;
    await copy(`${npmCache}/${folder}/${version}`, `${to}/${version}`, isRun);
    await copy(`${npmCache}/${folder}/registry.json`, `${to}/registry.json`);
  }
  return packages.map(({ name, version }) => `${name}@${version}`);
}

function isRun(name: string): boolean {
  return !NOT_RUN.test(name) && !name.startsWith(".");
}

/** Below the cache there is one folder for each registry. */
async function folderIn(npmCache: string, name: string): Promise<string> {
  for await (const registry of Deno.readDir(npmCache)) {
    const folder = `${registry.name}/${name}`;
    const found = await Deno.stat(`${npmCache}/${folder}`).catch(() => null);
    if (found !== null) return folder;
  }
  throw new CompileError(
    `Cannot find npm package "${name}" in "${npmCache}": run deno install`,
  );
}
