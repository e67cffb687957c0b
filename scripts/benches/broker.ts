/**
 * Measures what the broker costs: calls and streams from one plugin to another, each in its Worker,
 * and from the main thread to a plugin.
 *
 * @module
 */
import * as v from "valibot";
import { Broker } from "../../runtime/broker/broker.ts";
import { hostPlugin } from "../../runtime/host/plugin_host.ts";
import type { LogRecord } from "../../runtime/log/record.ts";
import type { NodeInfo } from "../../runtime/plugin/plugin.ts";
import { supervise } from "../../runtime/supervisor/mod.ts";
import { BrokerFigures, measure } from "./broker/measure.ts";
import { bench } from "./broker/service.ts";
import { type Figure, report } from "./report.ts";

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

const betweenPlugins = Promise.withResolvers<unknown>();
const fromMain = Promise.withResolvers<BrokerFigures>();

function log({ level, message, properties }: LogRecord): void {
  if (message === "Measured") betweenPlugins.resolve(properties);
  else if (level === "error") betweenPlugins.reject(new Error(message));
}

const broker = new Broker({ log });
const host = (name: "provider" | "user") =>
  hostPlugin({
    name,
    module: new URL(`./broker/${name}/mod.ts`, import.meta.url),
    permissions: { read: [new URL("./broker", import.meta.url).pathname] },
    provides: name === "provider" ? ["bench"] : [],
    uses: name === "user" ? { bench: {} } : {},
    isolation: "worker",
    config: undefined,
  }, { broker, node, log, onReadiness() {}, onStatus() {}, onFatal() {} });

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const supervisor = supervise(async (ctx) => {
  ctx.run("provider", host("provider"));
  const client = await broker.client(bench, { name: "main", scope: undefined });
  fromMain.resolve(await measure(client));
  // One after the other, so that they do not share the cores.
  ctx.run("user", host("user"));
  ctx.done();
}, { log: () => silent });

const figures = {
  "main to plugin": await fromMain.promise,
  "plugin to plugin": v.parse(BrokerFigures, await betweenPlugins.promise),
};
await supervisor.cancel();

report(
  "broker",
  Object.entries(figures).flatMap(([way, found]): Figure[] => [
    { name: `${way}, a call`, unit: "ms", values: [found.sequentialMedian] },
    {
      name: `${way}, the slowest call in a hundred`,
      unit: "ms",
      values: [found.sequential99],
    },
    {
      name: `${way}, 64 in flight`,
      unit: "a second",
      values: [found.concurrentRate],
    },
    {
      name: `${way}, items of a stream`,
      unit: "a second",
      values: [found.streamRate],
    },
  ]),
);
