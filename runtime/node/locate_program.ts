import { ServiceError } from "../service/errors.ts";
import { findProgram } from "./find_program.ts";

/** All that a program finds in its environment beside the marker: what the node was given is not for it. */
export const PROGRAM_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
};

/**
 * Finds a program that the manifest names.
 *
 * @param program The name.
 * @param configured The path that the node was given for it; undefined to look on the PATH.
 * @returns The path.
 * @throws {ServiceError} Where there is none that may be run, with what to do.
 */
export async function locateProgram(
  program: string,
  configured: string | undefined,
): Promise<string> {
  const found = await findProgram(
    configured ?? program,
    Deno.env.get("PATH") ?? PROGRAM_ENVIRONMENT.PATH,
  );
  if (found !== undefined) return found;
  // The only program for which the command line has a flag.
  const flag = program === "etcd" ? "with --etcd, or " : "";
  throw new ServiceError(
    "not-found",
    configured === undefined
      ? `Cannot find the program "${program}" on the PATH: install it, or give its path ${flag}under "programs" in the ` +
        `config file`
      : `Cannot run "${configured}" as "${program}": it is no file that may be executed; give another path ${flag}under ` +
        `"programs" in the config file`,
  );
}
