import { run } from "../../support/process.ts";
import { hamletCommand, type NodeFolders } from "./node_process.ts";

/**
 * Calls Hamlet's command line for a node.
 *
 * @param folders The node.
 * @param args The command.
 * @returns What it writes to standard output.
 * @throws {CommandError} If it does not end with 0.
 */
export async function hamlet(
  folders: NodeFolders,
  ...args: string[]
): Promise<string> {
  const [command, ...rest] = hamletCommand(...args, "--run-dir", folders.run);
  return (await run(command, rest)).stdout;
}
