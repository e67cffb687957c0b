import { membership } from "../../services/membership.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { type OperatorFlags, readOperator } from "../operator.ts";
import { table } from "../table.ts";

/** Lists the invitations that may still be used. */
export default async function list(
  this: CliContext,
  flags: ClientFlags & JsonFlag & OperatorFlags,
): Promise<void> {
  const operator = await readOperator(flags);
  using client = openClient(flags);
  const { invitations } = await client.call(
    membership,
    "invitations",
    operator,
  );
  const lines = flags.json ? [JSON.stringify(invitations)] : table([
    ["ID", "ROLE", "USES LEFT", "EXPIRES", "USED BY"],
    ...invitations.map((one) => [
      one.id,
      one.role,
      `${one.usesLeft}`,
      one.expiresAt,
      one.usedBy.join(","),
    ]),
  ]);
  this.process.stdout.write(`${lines.join("\n")}\n`);
}
