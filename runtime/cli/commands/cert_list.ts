import { ca } from "../../services/ca.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { table } from "../table.ts";

/** Lists every certificate that was issued. */
export default async function list(
  this: CliContext,
  flags: ClientFlags & JsonFlag,
): Promise<void> {
  using client = openClient(flags);
  const { certificates } = await client.call(ca, "list", {});
  const lines = flags.json ? [JSON.stringify(certificates)] : table([
    ["AUTHORITY", "SERIAL", "NAME", "ADDRESSES", "ISSUED", "STATE"],
    ...certificates.map((one) => [
      one.authority,
      one.serial,
      one.name,
      one.addresses.join(","),
      one.issuedAt,
      one.revoked ? "revoked" : "valid",
    ]),
  ]);
  this.process.stdout.write(`${lines.join("\n")}\n`);
}
