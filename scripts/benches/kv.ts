/**
 * Measures what the service `kv` costs: writes from one plugin through another to etcd, against
 * writes with etcd3 in a plugin's own Worker, in turns.
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
import { type Figure, report } from "./report.ts";
import { rounds } from "./rounds.ts";

const sequential: Writes = { puts: 300, inFlight: 1 };
const pipelined: Writes = { puts: 10_000, inFlight: 64 };

const node: NodeInfo = {
  id: "hamlet-00000000000000000000000000000000",
  name: "bench",
  machineId: "00000000000000000000000000000000",
  origin: "new-cluster",
  role: "member",
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
  report("kv", await Promise.race([measureAll(), failed.promise]));
} finally {
  await supervisor.cancel();
}

async function measureAll(): Promise<Figure[]> {
  const user = { name: "bench", scope: undefined };
  const withoutBroker = await broker.client(direct, user);
  const withBroker = await broker.client(through, user);
  const count = rounds();
  const latency: Pair[] = [];
  const throughput: Pair[] = [];
  for (let round = -1; round < count; round++) {
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
  return [
    {
      name: "put with etcd3",
      unit: "ms",
      values: latency.map(({ direct }) => direct),
    },
    { name: "put with kv", unit: "ms", values: latency.map(({ kv }) => kv) },
    {
      name: "latency, kv over etcd3",
      unit: "",
      values: latency.map(({ kv, direct }) => kv / direct),
      aim: { atMost: 1.5 },
    },
    {
      name: "64 in flight with etcd3",
      unit: "a second",
      values: throughput.map(({ direct }) => 1_000 / direct),
    },
    {
      name: "64 in flight with kv",
      unit: "a second",
      values: throughput.map(({ kv }) => 1_000 / kv),
    },
    {
      name: "throughput, kv over etcd3",
      unit: "",
      values: throughput.map(({ kv, direct }) => direct / kv),
      aim: { atLeast: 0.7 },
    },
  ];
}

/** Milliseconds of a write, each way, in the same round. */
interface Pair {
  readonly direct: number;
  readonly kv: number;
}
