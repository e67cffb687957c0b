import type { CliContext } from "../context.ts";
import type { NodeFlags } from "../flags.ts";
import { runNode, settingsOf } from "../run_node.ts";

/** Flags of the command. */
interface RunFlags extends NodeFlags {
  readonly newCluster: boolean;
  readonly listen?: string;
  readonly advertise?: string;
  readonly hostname?: "on" | "off";
}

/** Runs a node of this machine. */
export default async function run(
  this: CliContext,
  flags: RunFlags,
): Promise<void> {
  const { newCluster, listen, advertise, hostname, ...shared } = flags;
  await runNode(this, {
    ...settingsOf(shared),
    ...(newCluster && { origin: "new-cluster" as const }),
    ...(listen !== undefined && { listen }),
    ...(advertise !== undefined && { advertise }),
    ...(hostname !== undefined && { hostname }),
  });
}
