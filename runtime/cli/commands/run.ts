import type { CliContext } from "../context.ts";
import { CommandFailed, UsageError } from "../errors.ts";
import type { NodeFlags } from "../flags.ts";
import { runNode, settingsOf } from "../run_node.ts";

/** Flags of the command. */
interface RunFlags extends NodeFlags {
  readonly newCluster: boolean;
  readonly join?: string;
  readonly joinFile?: string;
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
  const ways = [newCluster || undefined, join, joinFile];
  if (ways.filter((way) => way !== undefined).length > 1) {
    throw new UsageError(
      "Cannot start a node in two ways: give one of --new-cluster, --join and --join-file",
    );
  }
  const joinToken = joinFile !== undefined
    ? await readToken(joinFile)
    : join === "-"
    ? await this.readInput("Join token:")
    : join;
  await runNode(this, {
    ...settingsOf(shared),
    ...(newCluster && { origin: "new-cluster" as const }),
    ...(joinToken !== undefined && {
      origin: "join" as const,
      joinToken: joinToken.trim(),
    }),
    ...(listen !== undefined && { listen }),
    ...(advertise !== undefined && { advertise }),
    ...(hostname !== undefined && { hostname }),
  });
}

async function readToken(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new CommandFailed(
      `Cannot read the join token from "${path}": ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}
