import { resolve } from "node:path";

/** Where `hamlet dev` keeps its sockets, below the working folder. */
const DEV_RUN = ".hamlet/run";
const SYSTEM_RUN = "/run/hamlet";
const SOCKET = "hamlet.sock";

/**
 * Finds the admin socket of the node that is meant. Without a word about it that is the machine's
 * own node, and where there is none, the one that `hamlet dev` runs in this folder; never one that
 * somebody else has put there.
 *
 * @param runDir The run folder, where the command line names it.
 * @returns The socket's absolute path.
 */
export function socketOf(runDir: string | undefined): string {
  if (runDir !== undefined) return resolve(runDir, SOCKET);
  const system = `${SYSTEM_RUN}/${SOCKET}`;
  const dev = resolve(DEV_RUN, SOCKET);
  return ownerOf(system) === undefined && ownerOf(dev) === Deno.uid()
    ? dev
    : system;
}

/** The user ID of a socket's owner; undefined where there is none to see. */
function ownerOf(path: string): number | undefined {
  try {
    const { isSocket, uid } = Deno.lstatSync(path);
    return isSocket ? uid ?? undefined : undefined;
  } catch {
    return undefined;
  }
}
