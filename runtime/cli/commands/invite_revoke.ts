import { membership } from "../../services/membership.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags } from "../flags.ts";
import { openClient } from "../open_client.ts";

/** Makes an invitation useless. */
export default async function revoke(
  this: CliContext,
  flags: ClientFlags,
  id: string,
): Promise<void> {
  using client = openClient(flags);
  await client.call(membership, "revokeInvitation", { id });
  this.process.stdout.write(`Revoked invitation ${id}\n`);
}
