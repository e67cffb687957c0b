import { ca, type IssuedCertificate } from "../../services/ca.ts";
import type { CliContext } from "../context.ts";
import { CommandFailed, UsageError } from "../errors.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { table } from "../table.ts";

/** Flags of the command. */
interface RevokeFlags extends ClientFlags, JsonFlag {
  readonly by?: "name" | "serial";
}

/** Revokes every certificate of a name, or the one of a serial number. */
export default async function revoke(
  this: CliContext,
  flags: RevokeFlags,
  argument: string,
): Promise<void> {
  using client = openClient(flags);
  const { certificates } = await client.call(ca, "list", {});
  const target = choose(certificates, argument, flags.by);
  const { revoked } = await client.call(ca, "revoke", target);
  if (flags.json) {
    this.process.stdout.write(`${JSON.stringify({ revoked })}\n`);
  } else if (revoked.length === 0) {
    this.process.stdout.write(`"${argument}" was revoked before\n`);
  } else {
    const lines = table(
      revoked.map(({ authority, serial }) => ["Revoked", authority, serial]),
    );
    this.process.stdout.write(`${lines.join("\n")}\n`);
  }
}

/**
 * Decides what the argument means by what there is: to revoke what was not meant locks somebody out
 * for good.
 */
function choose(
  certificates: readonly IssuedCertificate[],
  argument: string,
  by: RevokeFlags["by"],
): { name: string } | { serial: string } {
  // As openssl prints it, or as `cert list` does.
  const serial = argument.replaceAll(":", "").toLowerCase().replace(/^0+/, "");
  const named = by !== "serial" &&
    certificates.some((one) => one.name === argument);
  const numbered = by !== "name" &&
    certificates.some((one) => one.serial.replace(/^0+/, "") === serial);
  if (named && numbered) {
    throw new UsageError(
      `Cannot revoke "${argument}": one certificate has that name and another that serial number; say which with --by name or --by serial`,
    );
  }
  if (named) return { name: argument };
  const found = numbered &&
    certificates.find((one) => one.serial.replace(/^0+/, "") === serial);
  if (found) return { serial: found.serial };
  throw new CommandFailed(
    `There is no certificate with the ${
      by ?? "name or serial number"
    } "${argument}"; \`hamlet cert list\` shows all`,
  );
}
