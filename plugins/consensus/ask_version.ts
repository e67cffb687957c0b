import { type Client, FatalError, type process, ServiceError } from "hamlet";
import { type EtcdVersion, parseEtcdVersion } from "./etcd_version.ts";

/**
 * Asks the program `etcd` for its version.
 *
 * @param programs Runs it.
 * @param signal Ends that.
 * @returns The version.
 * @throws {FatalError} If there is no such program, it is not etcd or too old.
 */
export async function askVersion(
  programs: Client<typeof process>,
  signal: AbortSignal,
): Promise<EtcdVersion> {
  const output: string[] = [];
  try {
    const run = { program: "etcd", args: ["--version"] };
    for await (const event of programs.run(run, { signal })) {
      if (event.kind === "line") output.push(event.text);
    }
  } catch (error) {
    if (error instanceof ServiceError && error.code === "not-found") {
      throw new FatalError(error.message, { cause: error });
    }
    throw error;
  }
  return parseEtcdVersion(output.join("\n"));
}
