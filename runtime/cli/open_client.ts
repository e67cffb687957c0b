import { AdminClient } from "../admin/client.ts";
import type { ClientFlags } from "./flags.ts";
import { socketOf } from "./socket_path.ts";

/**
 * Opens a client of the node that the flags mean.
 *
 * @param flags The command's flags.
 * @returns The client; nothing is sent yet.
 */
export function openClient(flags: ClientFlags): AdminClient {
  return new AdminClient(socketOf(flags.runDir));
}
