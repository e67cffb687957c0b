import type { FlagParametersForType } from "@stricli/core";
import type { NodeSettings } from "../node/settings.ts";
import { whyUnreadable } from "../node/why_unreadable.ts";
import type { CliContext } from "./context.ts";
import { CommandFailed, UsageError } from "./errors.ts";

/** How an empty data folder becomes a node. */
export interface OriginFlags {
  readonly newCluster: boolean;
  readonly join?: string | undefined;
  readonly joinFile?: string | undefined;
}

/** Flags of every command that is told how. */
export const originFlags: FlagParametersForType<OriginFlags, CliContext> = {
  newCluster: {
    kind: "boolean",
    default: false,
    withNegated: false,
    brief: "Make an empty data folder the first node of a new cluster",
  },
  join: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "token",
    brief:
      "Make an empty data folder a node of the cluster that the token is from; - reads it from standard input, since arguments are visible to others",
  },
  joinFile: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "file",
    brief: "The same, with the token in a file",
  },
};

/**
 * Reads how an empty data folder becomes a node, with the token where it takes one.
 *
 * @param context The command's context.
 * @param flags The command line.
 * @returns The settings; without any where the command line does not say.
 * @throws {UsageError} If it says more than one thing.
 * @throws {CommandFailed} If the file with the token cannot be read.
 */
export async function readOrigin(
  context: CliContext,
  { newCluster, join, joinFile }: OriginFlags,
): Promise<Pick<NodeSettings, "origin" | "joinToken">> {
  const ways = [newCluster || undefined, join, joinFile];
  if (ways.filter((way) => way !== undefined).length > 1) {
    throw new UsageError(
      "Cannot start a node in two ways: give one of --new-cluster, --join and --join-file",
    );
  }
  if (newCluster) return { origin: "new-cluster" };
  const token = joinFile !== undefined
    ? await readToken(joinFile)
    : join === "-"
    ? await context.readInput("Join token:")
    : join;
  return token === undefined ? {} : { origin: "join", joinToken: token.trim() };
}

async function readToken(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new CommandFailed(
      `Cannot read the join token from "${path}": ${whyUnreadable(cause)}`,
      { cause },
    );
  }
}
