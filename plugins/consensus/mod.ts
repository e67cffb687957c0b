import { once } from "node:events";
import {
  ca,
  cluster,
  definePlugin,
  enrollment,
  kv,
  node as nodeService,
  type PluginContext,
  process,
  v,
} from "hamlet";
import { askVersion } from "./ask_version.ts";
import { awaitUnique } from "./await_unique.ts";
import { KnownClusterVersion } from "./cluster_version.ts";
import { createCluster } from "./cluster_service.ts";
import { delay } from "./delay.ts";
import { etcdFiles } from "./etcd_files.ts";
import { watchHealth } from "./etcd_health.ts";
import { EtcdLink } from "./etcd_link.ts";
import { EtcdExitError, runEtcd } from "./etcd_process.ts";
import { EtcdStarts } from "./etcd_starts.ts";
import { RememberedMembers } from "./remembered_members.ts";
import { warningOf } from "./etcd_version.ts";
import { createKv } from "./kv_service.ts";
import { hasLog } from "./has_log.ts";
import { ListedMembers } from "./listed_members.ts";
import { openMembership } from "./membership.ts";
import { readMetrics } from "./metrics.ts";
import { keepPeerUrl } from "./own_peer_url.ts";
import { followPeerAddress } from "./peer_address.ts";
import { PeerTraffic } from "./peer_traffic.ts";

const Config = v.optional(
  v.strictObject({
    /** Bytes of etcd's database after which it takes no more writes. @default 2 GiB */
    backendQuota: v.optional(
      v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
      2 * 1024 ** 3,
    ),
  }),
  {},
);

/**
 * Milliseconds in which a member that was removed is told whether it is to be a worker, or to end, by
 * others that answer; those that went on without it by `hamlet recover` know nothing of it.
 */
const ROLE_CHANGE = 30_000;

/**
 * The cluster's store: one real etcd, its peers over TLS, its clients over a unix socket that only
 * this plugin may open. The others reach it by the services `kv` and `cluster`.
 */
export default definePlugin({
  config: Config,
  async run(ctx) {
    const { node, config: { backendQuota } } = ctx;
    const files = etcdFiles(node.folders);
    await Deno.mkdir(files.run, { recursive: true, mode: 0o700 });
    const address = followPeerAddress(ctx);
    const programs = await ctx.use(process);
    const [version, membership, known] = await Promise.all([
      askVersion(programs, ctx.signal),
      openMembership(ctx, files, address),
      KnownClusterVersion.open(files.clusterVersion),
    ]);
    // Of a cluster that is being founded there is no data that is to be kept.
    if (membership.kind !== "founding") known.check(version, files.data);
    const warning = warningOf(version);
    if (warning !== undefined) ctx.log.warn(warning);
    const report = readinessOf(ctx);
    const starts = new EtcdStarts({
      node,
      files,
      version,
      membership,
      backendQuota,
      address,
      members: () => ctx.use(enrollment),
      // A program that is started again waits for the one before.
      ended: async (signal) => void await askVersion(programs, signal),
      report,
    });

    using link = new EtcdLink(files.socket);
    const store = createKv({ link });
    const listed = new ListedMembers();
    const gate = membership.kind === "founding" ? membership.gate : undefined;
    const traffic = new PeerTraffic({
      metrics: () => readMetrics(files.socket, link.deadline),
    });
    /** Since when etcd runs without having answered, by `performance.now`; 0 if it has. */
    let silentSince: number | undefined;
    const forceNewCluster = () => {
      ctx.log.warn("An operator makes this node the only member");
      starts.forceNewCluster();
      starts.again(new EtcdExitError("etcd is started again to be alone"));
    };
    await using remembered = await RememberedMembers.open(
      files.members,
      node.id,
    );

    const serving = Promise.withResolvers<void>();
    // A learner's etcd refuses whatever its services would ask. One that has data may have its vote by now, and may have
    // to recover the cluster without ever having answered.
    const hasData = membership.kind === "member" || await hasLog(files.log);
    const begins = starts.joining && !hasData;
    const isOneOfSeveral = membership.kind === "joining" ||
      remembered.list.some(({ self }) => !self);
    if (hasData && isOneOfSeveral) {
      report("finding out whether another machine runs as this node");
      await awaitUnique({
        members: () => ctx.use(enrollment),
        log: ctx.log,
        signal: ctx.signal,
      });
    }
    report("etcd starts");
    ctx.run("etcd", async (child) => {
      try {
        await runEtcd(child, {
          programs,
          node,
          files,
          prepare: (signal) => starts.prepare(signal),
          started() {
            silentSince = performance.now();
            listed.forget();
            const connected = link.connect();
            if (!begins) serving.resolve(connected);
            const answered = (learner: boolean) => {
              silentSince = 0;
              if (!learner) serving.resolve(connected);
            };
            const hasAnswered = () => silentSince === 0;
            const voting = () => starts.voting();
            const agreed = () => noteClusterVersion(ctx, known, files.socket);
            child.run(
              "health",
              (health) =>
                watchHealth(health, {
                  link,
                  listed,
                  report,
                  answered,
                  hasAnswered,
                  voting,
                  agreed,
                }),
            );
          },
          empty: () => starts.empty(),
          damaged: () => starts.discard(),
          async removed() {
            if (starts.joining) {
              starts.discard();
              throw new EtcdExitError(
                "The cluster has removed this learner, which joins again",
              );
            }
            silentSince = undefined;
            report("the cluster has removed this node");
            const others = await ctx.use(enrollment);
            await others.dropped({}, child);
            await delay(ROLE_CHANGE, child.signal);
            if (child.signal.aborted) return;
            const place = await ctx.use(nodeService);
            await place.removed({ reason: "its etcd is no member any more" });
            await aborted(child.signal);
          },
        });
      } catch (error) {
        silentSince = undefined;
        if (!child.signal.aborted) report(messageOf(error));
        throw error;
      }
    });
    ctx.run("peer-url", (child) =>
      keepPeerUrl(child, {
        node,
        files,
        link,
        starts,
        address,
        authorities: () => ctx.use(ca),
        members: () => ctx.use(enrollment),
      }));
    if (gate) {
      ctx.run("founding", async (child) => {
        const authorities = await ctx.use(ca);
        await Promise.all([
          authorities.committed({}, { signal: child.signal }),
          // Nobody else can have made it older.
          known.note(version),
        ]);
        gate.open();
        child.done();
      });
    }
    ctx.healthy();
    const ended = aborted(ctx.signal);
    // Not before: whoever needs the store is loaded as soon as it is there, and is to delay neither etcd nor its client.
    await Promise.race([serving.promise, ended]);
    if (ctx.signal.aborted) return;
    ctx.provide(kv, gate ? gate.guard(store) : store);
    ctx.provide(
      cluster,
      createCluster({
        link,
        listed,
        traffic,
        version,
        known,
        remembered,
        silentFor: () => silentSince && performance.now() - silentSince,
        forceNewCluster,
      }),
    );
    await ended;
  },
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Says whether the plugin does its job, each time that this changes. */
function readinessOf(ctx: PluginContext): (problem?: string) => void {
  let last: string | undefined = "";
  return (problem) => {
    if (problem === last) return;
    last = problem;
    if (problem === undefined) ctx.ready();
    else ctx.unready(problem);
  };
}

/** Remembers what etcd's data is of, which the members agree on anew once the last of them runs a newer etcd. */
async function noteClusterVersion(
  { log }: PluginContext,
  known: KnownClusterVersion,
  socket: string,
): Promise<void> {
  try {
    const now = await known.look(socket);
    if (now) log.info(`The cluster is at etcd ${now.major}.${now.minor}`);
  } catch (error) {
    log.warn("Cannot find out which etcd the cluster is at", { error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
