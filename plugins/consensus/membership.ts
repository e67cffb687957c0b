import { ca, FatalError, type PluginContext, writeFileAtomic } from "hamlet";
import { BootstrapGate } from "./bootstrap_gate.ts";
import type { EtcdFiles } from "./etcd_files.ts";
import { clusterToken, peerAddress } from "./etcd_flags.ts";
import { checkPeerFiles, writePeerFiles } from "./peer_files.ts";

/** How this node takes part in its cluster. */
export interface Membership {
  /** What tells its cluster from any other; see `clusterToken`. */
  readonly token: string;
  /** Stands before a store that is not founded yet. */
  readonly founding?: BootstrapGate;
}

/**
 * Finds out how this node takes part in its cluster, and makes sure that etcd's files are there: of
 * a new cluster they are made, of any other they have to be intact.
 *
 * @param ctx The plugin.
 * @param files Where they are.
 * @returns The node's part.
 * @throws {FatalError} If a file is missing or damaged; nothing was changed then.
 */
export async function openMembership(
  ctx: PluginContext,
  files: EtcdFiles,
): Promise<Membership> {
  const { origin } = ctx.node;
  if (origin === "established" || await exists(files.bootstrapped)) {
    const authority = await checkPeerFiles(files, ctx.log);
    // Without its log etcd takes itself for a new member, and asks the others about a cluster that it is part of.
    const log = `${files.data}/member/wal`;
    if (!await hasLog(log)) {
      throw new FatalError(
        `Cannot start etcd without its data: there is no log in "${log}"; restore "${files.data}" from a copy or a snapshot`,
      );
    }
    return { token: await clusterToken(authority) };
  }
  if (origin !== "new-cluster") {
    throw new FatalError(
      `Cannot start etcd: this node is to join a cluster and is no member yet; empty its data folder and join it again`,
    );
  }
  ctx.unready("waiting for the certificate authorities");
  const authority = await writePeerFiles({
    files,
    authorities: await ctx.use(ca),
    name: ctx.node.id,
    address: peerAddress(ctx.node),
    signal: ctx.signal,
  });
  return {
    token: await clusterToken(authority),
    founding: new BootstrapGate({
      record: () => writeFileAtomic(files.bootstrapped, ""),
    }),
  };
}

async function hasLog(folder: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".wal")) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
