import { membership } from "../../services/membership.ts";
import type { Role } from "../../services/nodes.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { type OperatorFlags, readOperator } from "../operator.ts";
import { duration } from "../status_text.ts";

/** Flags of the command. */
interface InviteFlags extends ClientFlags, JsonFlag, OperatorFlags {
  readonly role: Role;
  /** Seconds. */
  readonly ttl: number;
  readonly uses: number;
}

/** Makes an invitation and writes its token to standard output, alone, for a program to read. */
export default async function invite(
  this: CliContext,
  flags: InviteFlags,
): Promise<void> {
  const { role, ttl, uses } = flags;
  const operator = await readOperator(flags);
  using client = openClient(flags);
  const made = await client.call(membership, "invite", {
    role,
    ttl,
    uses,
    ...operator,
  });
  if (flags.json) {
    this.process.stdout.write(`${JSON.stringify(made)}\n`);
    return;
  }
  this.process.stderr.write(
    `Invitation ${made.invitation.id}: ${
      uses === 1
        ? `1 node may become a ${role}`
        : `${uses} nodes may become ${role}s`
    } within ${
      duration(ttl * 1000)
    }. Whoever has the token can; on the machine that joins:
  hamlet run --join -
and paste it there. It is shown this once:
`,
  );
  this.process.stdout.write(`${made.token}\n`);
}
