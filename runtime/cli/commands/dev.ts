import type { CliContext } from "../context.ts";
import type { NodeFlags } from "../flags.ts";
import { runNode, settingsOf } from "../run_node.ts";

/** Runs a single node for trying things out, in this folder. */
export default async function dev(
  this: CliContext,
  flags: NodeFlags,
): Promise<void> {
  const { peerPort = 0, curatorPort = 0, ...others } = flags;
  await runNode(this, {
    ...settingsOf({ ...others, peerPort, curatorPort }),
    dev: true,
  }, { quiet: flags.logLevel === undefined && flags.logFormat !== "json" });
}
