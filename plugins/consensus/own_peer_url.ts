import { X509Certificate } from "node:crypto";
import {
  ca,
  type Client,
  type Context,
  enrollment,
  type Latest,
  type NodeInfo,
  ServiceError,
} from "hamlet";
import { delay } from "./delay.ts";
import { isTransient } from "./etcd_error.ts";
import type { EtcdFiles } from "./etcd_files.ts";
import { peerUrl } from "./etcd_flags.ts";
import type { EtcdLink } from "./etcd_link.ts";
import { EtcdExitError } from "./etcd_process.ts";
import type { EtcdStarts } from "./etcd_starts.ts";
import { renewPeerCertificate } from "./peer_files.ts";

/** Options of {@linkcode keepPeerUrl}. */
export interface KeepPeerUrlOptions {
  readonly node: NodeInfo;
  readonly files: EtcdFiles;
  readonly link: EtcdLink;
  readonly starts: EtcdStarts;
  /** Where the others find this node. */
  readonly address: Latest<string | undefined>;
  /** Waits until certificates can be issued. */
  authorities(): Promise<Client<typeof ca>>;
  /** Waits until the other members can be asked. */
  members(): Promise<Client<typeof enrollment>>;
}

/** Milliseconds until another try, while etcd has no majority or is away. */
const PAUSE = 1_000;
/** Milliseconds that this node's own authority, and then the other members, have to issue a certificate. */
const PATIENCE = 5_000;

/**
 * Lets the other members know where this one is, whenever it is elsewhere, and has a certificate that they accept
 * there.
 *
 * @param ctx Its place in the tree.
 * @param options See {@linkcode KeepPeerUrlOptions}.
 */
export async function keepPeerUrl(
  ctx: Context,
  options: KeepPeerUrlOptions,
): Promise<void> {
  const { address } = options;
  ctx.healthy();
  for await (const current of address.watch(ctx.signal)) {
    // An etcd that is away comes back; an address that changes meanwhile is of more interest.
    while (current !== undefined && current === address.value) {
      try {
        await settle(ctx, current, options);
        break;
      } catch (error) {
        if (ctx.signal.aborted) return;
        if (!isTransient(error)) throw error;
        await delay(PAUSE, ctx.signal);
      }
    }
  }
}

async function settle(
  { log, signal }: Context,
  address: string,
  options: KeepPeerUrlOptions,
): Promise<void> {
  const { node, files, link, starts } = options;
  const peerURL = peerUrl(address, node.peerPort);
  const deadline = Date.now() + link.deadline;
  const client = await link.client(deadline);
  const status = await client.maintenance.status({ deadline });
  if (status.isLearner) {
    if (await Deno.readTextFile(files.joining) === peerURL) return;
    // An update would make a voter of it in the eyes of the others.
    log.info(`This learner is at ${peerURL} now: it is added anew`);
    starts.discard();
    starts.again(new EtcdExitError("etcd is started again at its new address"));
    return;
  }
  const renewed = await renewPeerCertificate(
    files,
    address,
    (publicKey) => issue(publicKey, address, options, signal),
  );
  if (renewed) log.info(`etcd's certificate is good for ${address} now`);
  const { members, header } = await client.cluster.memberList(
    { linearizable: false },
    { deadline: Date.now() + link.deadline },
  );
  const own = members.find(({ ID }) => ID === header.member_id);
  if (own === undefined || own.peerURLs.join() === peerURL) return;
  await client.cluster.memberUpdate(
    { ID: own.ID, peerURLs: [peerURL] },
    { deadline: Date.now() + link.deadline },
  );
  log.info(`The other members find this one at ${peerURL} now`);
}

/** Gets a certificate for where this node is now. */
async function issue(
  publicKey: Uint8Array<ArrayBuffer>,
  address: string,
  { node, authorities, members }: KeepPeerUrlOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    return await inTime(async (signal) => {
      const { certificate } = await (await authorities()).issue({
        authority: "peer",
        name: node.id,
        addresses: [address],
        publicKey,
      }, { signal });
      return certificate;
    }, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!isTransient(error)) throw error;
  }
  // A running etcd that has moved hears no answers of the others before they find it, and they find it by that
  // certificate alone. They know of the address by the curator.
  return await inTime(async (signal) => {
    const { certificate } = await (await members())
      .peerCertificate({ publicKey }, { signal });
    if (new X509Certificate(certificate).checkIP(address) !== undefined) {
      return certificate;
    }
    throw new ServiceError(
      "unavailable",
      `The other members do not know yet that this one is at ${address}`,
    );
  }, signal);
}

/** Gives something up as unavailable that takes too long. */
async function inTime<T>(
  what: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const late = AbortSignal.timeout(PATIENCE);
  const { promise: over, reject } = Promise.withResolvers<never>();
  late.addEventListener("abort", () => reject(late.reason));
  try {
    return await Promise.race([what(AbortSignal.any([signal, late])), over]);
  } catch (error) {
    if (signal.aborted || !late.aborted) throw error;
    throw new ServiceError(
      "unavailable",
      "Nobody issued a certificate in time",
    );
  }
}
