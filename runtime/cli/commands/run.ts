import type { CliContext } from "../context.ts";
import type { NodeFlags } from "../flags.ts";
import { type OriginFlags, readOrigin } from "../origin.ts";
import { runNode, settingsOf } from "../run_node.ts";

/** Flags of the command. */
interface RunFlags extends NodeFlags, OriginFlags {
  readonly listen?: string;
  readonly advertise?: string;
  readonly hostname?: "on" | "off";
}

/** Runs a node of this machine. */
export default async function run(
  this: CliContext,
  flags: RunFlags,
): Promise<void> {
  const { newCluster, join, joinFile, ...others } = flags;
  const { listen, advertise, hostname, ...shared } = others;
  await runNode(this, {
    ...settingsOf(shared),
    ...await readOrigin(this, { newCluster, join, joinFile }),
    ...(listen !== undefined && { listen }),
    ...(advertise !== undefined && { advertise }),
    ...(hostname !== undefined && { hostname }),
  });
}
