import { once } from "node:events";
import {
  ca,
  cluster,
  definePlugin,
  kv,
  type PluginContext,
  process,
  z,
} from "hamlet";
import { askVersion } from "./ask_version.ts";
import { KnownClusterVersion } from "./cluster_version.ts";
import { createCluster } from "./cluster_service.ts";
import { etcdFiles } from "./etcd_files.ts";
import { etcdFlags } from "./etcd_flags.ts";
import { watchHealth } from "./etcd_health.ts";
import { EtcdLink } from "./etcd_link.ts";
import { runEtcd } from "./etcd_process.ts";
import { warningOf } from "./etcd_version.ts";
import { createKv } from "./kv_service.ts";
import { openMembership } from "./membership.ts";
import { readMetrics } from "./metrics.ts";
import { PeerTraffic } from "./peer_traffic.ts";

const Config = z.strictObject({
  /** Bytes of etcd's database after which it takes no more writes. @default 2 GiB */
  backendQuota: z.int().positive().default(2 * 1024 ** 3),
}).prefault({});

/**
 * The cluster's store: one real etcd, its peers over TLS, its clients over a unix socket that only
 * this plugin may open. The others reach it by the services `kv` and `cluster`.
 */
export default definePlugin({
  config: Config,
  async run(ctx) {
    const files = etcdFiles(ctx.node.folders);
    await Deno.mkdir(files.run, { recursive: true, mode: 0o700 });
    const programs = await ctx.use(process);
    const [version, { founding, token }, known] = await Promise.all([
      askVersion(programs, ctx.signal),
      openMembership(ctx, files),
      KnownClusterVersion.open(files.clusterVersion),
    ]);
    // Of a cluster that is being founded there is no data that is to be kept.
    if (!founding) known.check(version, files.data);
    const warning = warningOf(version);
    if (warning !== undefined) ctx.log.warn(warning);

    using link = new EtcdLink(files.socket);
    const store = createKv({ link });
    const traffic = new PeerTraffic({
      metrics: () => readMetrics(files.socket, link.deadline),
    });
    const report = readinessOf(ctx);
    report("etcd starts");
    const { node } = ctx;
    const args = etcdFlags({
      node,
      files,
      version,
      token,
      newCluster: founding !== undefined,
      backendQuota: ctx.config.backendQuota,
    });
    const connected = Promise.withResolvers<void>();
    const wipe = () => founding?.nothing ?? false;
    ctx.run("etcd", async (child) => {
      const started = () => {
        connected.resolve(link.connect());
        const agreed = () => noteClusterVersion(ctx, known, files.socket);
        child.run(
          "health",
          (health) => watchHealth(health, { link, report, agreed }),
        );
      };
      try {
        await runEtcd(child, { programs, node, files, args, wipe, started });
      } catch (error) {
        if (!child.signal.aborted) report(messageOf(error));
        throw error;
      }
    });
    if (founding) {
      ctx.run("founding", async (child) => {
        const authorities = await ctx.use(ca);
        await Promise.all([
          authorities.committed({}, { signal: child.signal }),
          // Nobody else can have made it older.
          known.note(version),
        ]);
        founding.open();
        child.done();
      });
    }
    ctx.healthy();
    const ended = ctx.signal.aborted
      ? Promise.resolve()
      : once(ctx.signal, "abort");
    // Not before: whoever needs the store is loaded as soon as it is there, and is to delay neither etcd nor its client.
    await Promise.race([connected.promise, ended]);
    ctx.provide(kv, founding ? founding.guard(store) : store);
    ctx.provide(cluster, createCluster({ link, traffic, version }));
    await ended;
  },
});

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
