import { NoNodeError } from "../../admin/errors.ts";
import { wantsColor } from "../../log/color.ts";
import { formatText } from "../../log/text.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";

/** Shows what the node logged lately, and goes on where that is wanted. */
export default async function logs(
  this: CliContext,
  flags: ClientFlags & JsonFlag & {
    readonly follow: boolean;
    readonly limit?: number;
  },
  dn?: string,
): Promise<void> {
  using client = openClient(flags);
  const { follow, limit } = flags;
  const color = wantsColor(Deno.stdout);
  const interrupted = this.interrupted();
  const under = dn === undefined ? dn : fullName(dn);
  let silent = true;
  const lines = client.logs({ dn: under, limit, follow }, interrupted);
  for await (const line of lines) {
    silent = false;
    this.process.stdout.write(
      flags.json
        ? `${JSON.stringify(line)}\n`
        : "dropped" in line
        ? `… ${line.dropped} lines dropped\n`
        : formatText(line, { color }),
    );
  }
  if (follow && !interrupted.aborted) throw new NoNodeError("The node ended");
  if (silent && limit !== 0 && under !== undefined) {
    this.process.stderr.write(
      `hamlet: Nothing was logged lately by ${
        JSON.stringify(under)
      } or what is below it; \`hamlet status\` shows what there is\n`,
    );
  }
}

/** `hamlet status` leaves out what all names begin with, so a person may do so too. */
function fullName(dn: string): string {
  return /^root(?:\.|$)/.test(dn) ? dn : `root.${dn}`;
}
