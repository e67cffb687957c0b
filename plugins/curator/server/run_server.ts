import { once } from "node:events";
import { X509Certificate } from "node:crypto";
import { Server } from "@grpc/grpc-js";
import {
  ca,
  cluster,
  type Context,
  type Implementation,
  kv,
  type Latest,
  type membership,
  network,
  type PluginContext,
} from "hamlet";
import { Membership } from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import { Curator } from "hamlet/proto/metropolis/node/core/curator/proto/api/api_pb.ts";
import type { CuratorConfig } from "../config.ts";
import { type Credentials, identityFiles } from "../identity_files.ts";
import { blockList } from "./addresses.ts";
import { Connections } from "./connections.ts";
import { curatorRpc } from "./curator_rpc.ts";
import { Departures } from "./departures.ts";
import { certifyFounder, type Founder, registerFounder } from "./found.ts";
import { Gate } from "./gate.ts";
import { Invitations } from "./invitations.ts";
import { Joining } from "./join.ts";
import { Members } from "./members.ts";
import { membershipRpc } from "./membership_rpc.ts";
import { membershipService } from "./membership_service.ts";
import { NodeFeed } from "./node_feed.ts";
import { decodeNode, NODES, NodesStore } from "./nodes_store.ts";
import { Refusals } from "./refusals.ts";
import { Reports } from "./reports.ts";
import { Revocations } from "./revocations.ts";
import { serveRpc } from "./serve_rpc.ts";
import { Sessions } from "./sessions.ts";
import { TlsCredentials } from "./tls_credentials.ts";
import { upkeep } from "./upkeep.ts";

/** Options of {@linkcode runServer}. */
export interface ServerOptions {
  /** The plugin, for its node, config and services. */
  readonly plugin: PluginContext<CuratorConfig>;
  /** Who the node is to its cluster; the server of the node that founds one finds out. */
  readonly credentials: Latest<Credentials | undefined>;
  /** A random number for this start of the curator. */
  readonly instance: Uint8Array;
  /** The port at which it answers; 0 while it does not, and from when somebody sets it so. */
  readonly serving: Latest<number>;
  /** Takes what answers operators on this member. */
  readonly administer: (service: Implementation<typeof membership>) => void;
}

/** No message that a caller has to send comes near it. */
const MOST_BYTES = 64 * 1024;

/**
 * Serves the cluster's API on a member.
 *
 * @param ctx The runnable.
 * @param options See {@linkcode ServerOptions}.
 */
export async function runServer(
  ctx: Context,
  { plugin, credentials, instance, serving, administer }: ServerOptions,
): Promise<void> {
  const { node, config } = plugin;
  const { log, signal } = ctx;
  const files = identityFiles(node.folders.data);
  const [store, etcd, authorities] = await Promise.all([
    plugin.use(kv),
    plugin.use(cluster),
    plugin.use(ca),
  ]);
  const nodes = new NodesStore(store);
  let founder: Founder | undefined;
  if (
    node.origin !== "join" &&
    (node.origin === "new-cluster" || credentials.value === undefined)
  ) {
    const networks = await plugin.use(network);
    const addresses = (await firstOf(networks.watch({}, ctx)))?.addresses ?? [];
    founder = { node, addresses, files };
    if (credentials.value === undefined) {
      credentials.set(await certifyFounder(founder, authorities, ctx));
    }
  }
  const first = await firstOf(credentials.watch(signal));
  if (first === undefined) return;

  const feed = new NodeFeed();
  const revocations = new Revocations();
  const sessions = new Sessions({
    store,
    self: { id: node.id, instance },
    log,
    alone: () => feed.size === 1,
  });
  const members = new Members(etcd, (id) => feed.get(id)?.name);
  const invitations = new Invitations(store);
  const refusals = new Refusals(log);
  const trusted = blockList(config.trustedAddresses);
  const reports = new Reports({ nodes, trusted, log });
  const joining = new Joining({
    authorities,
    nodes,
    invitations,
    trusted,
    log,
  });
  const departures = new Departures({
    authorities,
    members,
    nodes,
    sessions,
    self: node.id,
  });
  const gate = new Gate({
    revoked: (serial) => revocations.has(serial),
    known: (id) => feed.get(id),
    look: async (id, signal) => (await nodes.read(id, { signal }))?.record,
    welcome: (peer) => connections.known(peer),
    cut: (peer) => connections.end(peer),
    refusals,
  });
  const shared = {
    self: node.id,
    authority: new Uint8Array(new X509Certificate(first.ca).raw),
    authorities,
    departures,
    feed,
    invitations,
    joining,
    members,
    nodes,
    refusals,
    reports,
    revocations,
    sessions,
  };

  const server = new Server({
    "grpc.max_receive_message_length": MOST_BYTES,
    "grpc.max_concurrent_streams": 100,
    // Behind a firewall, or after a power failure, nobody says that a connection is gone.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
  });
  serveRpc(server, Curator, curatorRpc(shared), { gate, log });
  const local = membershipService(shared);
  serveRpc(server, Membership, membershipRpc({ ...shared, local, log }), {
    gate,
    log,
  });
  const tls = new TlsCredentials(first);
  const injector = server.createConnectionInjector(tls);
  const connections = new Connections({
    serve: (socket) => injector.injectConnection(socket),
    turnedAway: (count, address) =>
      log.warn(
        `Turned away ${count} connections that did not show who they are, the last from ${address}`,
      ),
  });

  ctx.run("nodes", (child) => followNodes(child, nodes, feed));
  ctx.run("revocations", async (child) => {
    await readList(files.crl, revocations);
    child.healthy();
    const lists = authorities.watchCrl({ authority: "cluster" }, child);
    for await (const { der } of lists) {
      revocations.take(new Uint8Array(der));
      gate.review();
    }
  });
  ctx.run("sessions", async (child) => {
    child.healthy();
    await sessions.follow(child);
  });
  ctx.run("credentials", async (child) => {
    child.healthy();
    for await (const now of credentials.watch(child.signal)) {
      if (now) tls.replace(now);
    }
  });
  ctx.run("upkeep", (child) =>
    upkeep(child, {
      departures,
      feed,
      members,
      joinTimeout: config.joinTimeout * 1000,
    }));

  const [list] = await Promise.all([
    firstOf(revocations.watch(signal)),
    founder && registerFounder(founder, nodes, ctx),
  ]);
  // Before it knows who was revoked, nobody can be let in.
  if (list === undefined) return;
  const port = await connections.listen(node.listen, node.curatorPort);
  log.info(`Serves the cluster's nodes at ${node.listen}, port ${port}`);
  administer(local);
  serving.set(port);
  ctx.healthy();
  const end = AbortSignal.any([
    signal,
    store.gone,
    etcd.gone,
    authorities.gone,
  ]);
  // The client ends it too, where this node's etcd is no member any more.
  for await (const now of serving.watch(end)) if (now === 0) break;
  serving.set(0);
  gate.close();
  // Before the server would say goodbye: a GOAWAY can abort the process of a client that runs on Deno 2.9
  // (https://github.com/denoland/deno/issues/36788), while one whose connection is gone just goes to another member.
  await connections.close();
  server.forceShutdown();
  if (!end.aborted) await once(end, "abort");
  // Everything here holds on to the provider that is gone.
  if (!signal.aborted) throw end.reason;
}

async function followNodes(
  ctx: Context,
  nodes: NodesStore,
  feed: NodeFeed,
): Promise<void> {
  ctx.healthy();
  for await (const change of nodes.watch(ctx)) {
    if (change.kind === "snapshot") {
      feed.reset(change.kvs.map((kv) => ({
        record: decodeNode(kv),
        modRevision: kv.modRevision,
      })));
      continue;
    }
    // Of several changes of one key at once, the last is what holds.
    const last = new Map(change.events.map((event) => [
      event.kind === "put" ? event.kv.key : event.key,
      event,
    ]));
    feed.apply(
      [...last.values()].flatMap((event) =>
        event.kind === "put"
          ? [{
            record: decodeNode(event.kv),
            modRevision: event.kv.modRevision,
          }]
          : []
      ),
      [...last.values()].flatMap((event) =>
        event.kind === "delete" ? [event.key.slice(NODES.length)] : []
      ),
    );
  }
}

/** Without a majority, what the crl plugin wrote last is better than nobody being let in. */
async function readList(path: string, revocations: Revocations): Promise<void> {
  try {
    revocations.take(await Deno.readFile(path));
  } catch (error) {
    // Missing or damaged: the newest one comes from the authorities.
    if (error instanceof Deno.errors.NotCapable) throw error;
  }
}

/** Waits for the first value; undefined if there is none before the end. */
async function firstOf<T>(
  values: AsyncIterable<T | undefined>,
): Promise<T | undefined> {
  for await (const value of values) if (value !== undefined) return value;
}
