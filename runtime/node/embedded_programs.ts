import * as v from "valibot";
import type { HostedPlugin } from "../host/plugin_host.ts";
import { ifThere } from "../if_there.ts";
import { process, ProcessScope } from "../services/process.ts";
import { build } from "../this_build.ts";
import { unpackProgram } from "./unpack_program.ts";

const root = new URL("../../", import.meta.url);

/**
 * Makes ready, of the programs inside of this one, those that plugins run and nobody has named another for.
 *
 * @param plugins The plugins.
 * @param programs Paths of programs by their declared name, as the node was given them.
 * @param data The node's data folder: a run folder is often mounted so that nothing in it can be executed.
 * @returns Paths of all of them.
 * @throws {StartError} If one of them has been changed where it is executed from.
 */
export async function unpackPrograms(
  plugins: readonly HostedPlugin[],
  programs: Readonly<Record<string, string>>,
  data: string,
): Promise<Readonly<Record<string, string>>> {
  const unpacked: Record<string, string> = {};
  for (const name of plugins.flatMap(programsOf)) {
    const program = build?.programs[name];
    if (program === undefined || Object.hasOwn(programs, name)) continue;
    const source = new URL(`programs/${name}`, root);
    const { digest } = program;
    unpacked[name] = await unpackProgram(
      { name, source, digest },
      `${data}/bin`,
    );
  }
  return { ...unpacked, ...programs };
}

/**
 * Removes what earlier programs have made ready and this start does not run, and what a kill has left half written. The
 * node's lock keeps everybody away who could run any of it; what is removed at any instant, the next call goes on with.
 *
 * @param data The node's data folder.
 * @param programs Paths of the programs that are run, as {@linkcode unpackPrograms} returned them.
 */
export async function removeOldPrograms(
  data: string,
  programs: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = `${data}/bin`;
  const paths = Object.values(programs);
  const kept = new Set(paths);
  for (const path of paths) {
    const real = await ifThere(Deno.realPath(path));
    if (real !== undefined) kept.add(real);
  }
  const names = await ifThere(Array.fromAsync(Deno.readDir(folder)));
  for (const { name } of names ?? []) {
    const path = `${folder}/${name}`;
    if (!kept.has(path)) await Deno.remove(path);
  }
}

/** The programs that a plugin may run, by the name that the manifest calls them. */
export function programsOf({ uses }: HostedPlugin): string[] {
  const use = uses[process.name];
  return use === undefined ? [] : Object.keys(v.parse(ProcessScope, use.scope));
}
