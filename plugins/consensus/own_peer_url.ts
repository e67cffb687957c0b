import {
  ca,
  type Client,
  type Context,
  type Latest,
  type NodeInfo,
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
}

/** Milliseconds until another try, while etcd has no majority or is away. */
const PAUSE = 1_000;

/**
 * Lets the other members know where this one is, whenever it is elsewhere: it still reaches them, and
 * what it asks of the cluster takes effect, while they cannot reach it.
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
  { node, files, link, starts, authorities }: KeepPeerUrlOptions,
): Promise<void> {
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
    async (publicKey) => {
      const { certificate } = await (await authorities()).issue({
        authority: "peer",
        name: node.id,
        addresses: [address],
        publicKey,
      }, { signal });
      return certificate;
    },
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
