import type { HostedPlugin } from "../host/plugin_host.ts";
import { ServiceError } from "../service/errors.ts";
import { process } from "../services/process.ts";
import { build } from "../this_build.ts";
import { programsOf } from "./embedded_programs.ts";
import { StartError } from "./errors.ts";
import { locateProgram } from "./locate_program.ts";

/**
 * Looks whether the programs that plugins cannot do without are there, before anything is started that waits for them.
 *
 * @param plugins The plugins.
 * @param programs Paths of programs by their declared name, as the node was given them.
 * @throws {StartError} For the first one that is missing, with what to do.
 */
export async function checkPrograms(
  plugins: readonly HostedPlugin[],
  programs: Readonly<Record<string, string>>,
): Promise<void> {
  for (const plugin of plugins) {
    if (plugin.uses[process.name]?.optional) continue;
    for (const program of programsOf(plugin)) {
      const given = Object.hasOwn(programs, program);
      if (!given && build?.programs[program] !== undefined) continue;
      try {
        await locateProgram(program, programs[program]);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        throw new StartError(1, error.message, { cause: error });
      }
    }
  }
}
