import {
  ca,
  enrollment,
  FatalError,
  type Latest,
  type PluginContext,
  writeFileAtomic,
} from "hamlet";
import { BootstrapGate } from "./bootstrap_gate.ts";
import type { EtcdFiles } from "./etcd_files.ts";
import { clusterToken, loopback } from "./etcd_flags.ts";
import { REPLACE } from "./etcd_log.ts";
import { exists } from "./exists.ts";
import { hasLog } from "./has_log.ts";
import {
  checkPeerFiles,
  fetchPeerFiles,
  writePeerFiles,
} from "./peer_files.ts";

/** How this node takes part in its cluster. */
export type Membership =
  & {
    /** What tells its cluster from any other; see `clusterToken`. */
    readonly token: string;
  }
  & (
    /** It makes the cluster. */
    | {
      readonly kind: "founding";
      /** Stands before a store that is not founded yet. */
      readonly gate: BootstrapGate;
    }
    /** It becomes one of the others, and has no vote yet, as far as it remembers. */
    | { readonly kind: "joining" }
    /** It has had a vote. */
    | { readonly kind: "member" }
  );

/**
 * Finds out how this node takes part in its cluster, and makes sure that etcd's files are there: of
 * a new cluster they are made, of one to join they are got from it, of any other they have to be
 * intact.
 *
 * @param ctx The plugin.
 * @param files Where they are.
 * @param address Where the others will find a new cluster's first member, as far as it is known.
 * @returns The node's part.
 * @throws {FatalError} If a file is missing or damaged; nothing was changed then.
 */
export async function openMembership(
  ctx: PluginContext,
  files: EtcdFiles,
  address: Latest<string | undefined>,
): Promise<Membership> {
  const { origin } = ctx.node;
  if (origin === "established" || await exists(files.bootstrapped)) {
    const authority = await checkPeerFiles(files, ctx.log);
    // Without its log etcd takes itself for a new member, and asks the others about a cluster that it is part of.
    if (!await hasLog(files.log)) {
      throw new FatalError(
        `Cannot start etcd without its data: there is no log in "${files.log}"; if this is the only member, restore "${files.data}" from a copy or a snapshot, else ${REPLACE}`,
      );
    }
    return { kind: "member", token: await clusterToken(authority) };
  }
  const { signal } = ctx;
  if (origin === "join") {
    ctx.unready("waiting for a member that lets this node join");
    const authority = await fetchPeerFiles({
      files,
      members: () => ctx.use(enrollment),
      log: ctx.log,
      signal,
    });
    return { kind: "joining", token: await clusterToken(authority) };
  }
  ctx.unready("waiting for the certificate authorities");
  const authority = await writePeerFiles({
    files,
    authorities: await ctx.use(ca),
    name: ctx.node.id,
    address: address.value ?? loopback(ctx.node),
    signal,
  });
  return {
    kind: "founding",
    token: await clusterToken(authority),
    gate: new BootstrapGate({
      record: () => writeFileAtomic(files.bootstrapped, ""),
    }),
  };
}
