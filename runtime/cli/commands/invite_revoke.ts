import { membership } from "../../services/membership.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { type OperatorFlags, readOperator } from "../operator.ts";

/** Makes an invitation useless. */
export default async function revoke(
  this: CliContext,
  flags: ClientFlags & OperatorFlags,
  id: string,
): Promise<void> {
  const operator = await readOperator(flags);
  using client = openClient(flags);
  await client.call(membership, "revokeInvitation", { id, ...operator });
  this.process.stdout.write(`Revoked invitation ${id}\n`);
}
