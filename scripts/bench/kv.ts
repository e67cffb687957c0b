/**
 * Measures what the service `kv` costs: writes from one plugin through another to etcd, against
 * writes with etcd3 in a plugin's own Worker, in turns.
 *
 * Usage: deno run -A scripts/bench/kv.ts [--json]
 *
 * @module
 */
import { Broker } from "../../runtime/broker/broker.ts";
import {
  type HostedPlugin,
  hostPlugin,
} from "../../runtime/host/plugin_host.ts";
import type { LogRecord } from "../../runtime/log/record.ts";
import { packageFolder } from "../../runtime/manifest/package_folder.ts";
import type { NodeInfo } from "../../runtime/plugin/plugin.ts";
import { supervise } from "../../runtime/supervisor/mod.ts";
import { startEtcd } from "../../tests/support/etcd.ts";
import type { Writes } from "./kv/measure.ts";
import { direct, through } from "./kv/service.ts";

const ROUNDS = 10;
const sequential: Writes = { puts: 300, inFlight: 1 };
const pipelined: Writes = { puts: 3_000, inFlight: 64 };

const node: NodeInfo = {
  id: "hamlet-00000000000000000000000000000000",
  name: "bench",
  machineId: "00000000000000000000000000000000",
  origin: "new-cluster",
  folders: { data: "/nonexistent", run: "/nonexistent" },
  listen: "127.0.0.1",
  peerPort: 0,
  curatorPort: 0,
};

const failed = Promise.withResolvers<never>();
function log({ level, message }: LogRecord): void {
  if (level === "error") failed.reject(new Error(message));
}

await using etcd = await startEtcd();
const root = new URL("../..", import.meta.url).pathname;
const withEtcd = {
  permissions: {
    read: [root, etcd.folder, await packageFolder("etcd3")],
    write: [etcd.folder],
    net: [`unix:${etcd.socket}`],
    env: ["GRPC_*", "NODE_*", "grpc_proxy", "no_grpc_proxy", "http_proxy"]
      .concat("https_proxy", "no_proxy"),
  },
  config: { socket: etcd.socket },
};
const plugins: Omit<HostedPlugin, "module" | "isolation">[] = [
  { name: "store", provides: ["kv"], uses: {}, ...withEtcd },
  { name: "direct", provides: ["direct"], uses: {}, ...withEtcd },
  {
    name: "user",
    provides: ["through"],
    uses: { kv: { scope: { keys: ["/bench/"], quota: 2 ** 30 } } },
    permissions: { read: [root] },
    config: undefined,
  },
];

const broker = new Broker({ log });
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const supervisor = supervise(async (ctx) => {
  for (const plugin of plugins) {
    const module = new URL(`./kv/${plugin.name}/mod.ts`, import.meta.url);
    ctx.run(
      plugin.name,
      hostPlugin({ ...plugin, module, isolation: "worker" }, {
        broker,
        node,
        log,
        onReadiness() {},
        onStatus() {},
        onFatal: (_, error) => failed.reject(error),
      }),
    );
  }
  ctx.done();
  await Promise.resolve();
}, { log: () => silent });

try {
  const figures = await Promise.race([rounds(), failed.promise]);
  // deno-lint-ignore no-console -- its output
  console.log(
    Deno.args.includes("--json")
      ? JSON.stringify(figures)
      : Deno.inspect(figures, { colors: false }),
  );
} finally {
  await supervisor.cancel();
}

async function rounds() {
  const user = { name: "bench", scope: undefined };
  const withoutBroker = await broker.client(direct, user);
  const withBroker = await broker.client(through, user);
  const latency: Pair[] = [];
  const throughput: Pair[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const results = [];
    for (const writes of [sequential, pipelined]) {
      const { milliseconds: alone } = await withoutBroker.measure(writes);
      const { milliseconds: brokered } = await withBroker.measure(writes);
      results.push({ direct: alone / writes.puts, kv: brokered / writes.puts });
    }
    // The first round warms up.
    if (round < 0) continue;
    const [one, many] = results;
    if (one) latency.push(one);
    if (many) throughput.push(many);
  }
  return {
    latency: {
      directMs: median(latency.map((pair) => pair.direct)),
      kvMs: median(latency.map(({ kv }) => kv)),
      ratio: median(latency.map((pair) => pair.kv / pair.direct)),
    },
    throughput: {
      directPerSecond: 1_000 / median(throughput.map((pair) => pair.direct)),
      kvPerSecond: 1_000 / median(throughput.map(({ kv }) => kv)),
      ratio: median(throughput.map((pair) => pair.direct / pair.kv)),
    },
  };
}

/** Milliseconds of a write, each way, in the same round. */
interface Pair {
  readonly direct: number;
  readonly kv: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  const high = sorted[Math.floor(middle)] ?? NaN;
  return (low + high) / 2;
}
