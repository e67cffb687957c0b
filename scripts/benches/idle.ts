/**
 * What a node does while nothing happens: processor time, and bytes written to disk next to those of etcd alone on
 * the same machine in the same minute.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  nodeFolders,
  NodeProcess,
} from "../../tests/e2e/support/node_process.ts";
import { tempFolder } from "../../tests/support/temp.ts";
import { EtcdGround } from "./bare_etcd.ts";
import { etcdOf, processorTimeOf, writtenBy } from "./proc.ts";
import { report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { median } from "./statistics.ts";

/** How much was used up to an instant. */
interface Use {
  /** Milliseconds. */
  readonly at: number;
  /** Seconds of processor time, by process. */
  readonly hamlet: number;
  readonly nodeEtcd: number;
  readonly bareEtcd: number;
  /** Bytes. */
  readonly hamletWritten: number;
  readonly nodeEtcdWritten: number;
  readonly bareEtcdWritten: number;
}

/** Milliseconds until what belongs to a start is over; half a minute after it, V8 collects what the start has left. */
const SETTLING = 45_000;
/** A minute in parts, so that it shows whether the work comes in bursts. */
const PARTS = 10;

await using folder = await tempFolder();
const ground = await EtcdGround.prepare(folder.path);
await using folders = await nodeFolders();
await using node = new NodeProcess(folders);
await node.ready();
const nodeEtcd = await etcdOf(node.pid);
const bareEtcd = await ground.start("new");

async function use(): Promise<Use> {
  return {
    at: performance.now(),
    hamlet: await processorTimeOf(node.pid),
    nodeEtcd: await processorTimeOf(nodeEtcd),
    bareEtcd: await processorTimeOf(bareEtcd.pid),
    hamletWritten: await writtenBy(node.pid),
    nodeEtcdWritten: await writtenBy(nodeEtcd),
    bareEtcdWritten: await writtenBy(bareEtcd.pid),
  };
}

const minutes = rounds(1);
await delay(SETTLING);
const uses = [await use()];
for (let part = 0; part < PARTS * minutes; part += 1) {
  await delay(60_000 / PARTS);
  uses.push(await use());
}
await node.stop();
await bareEtcd.stop();

/** Percent of a core in each part. */
function load(name: "hamlet" | "nodeEtcd" | "bareEtcd"): number[] {
  return uses.slice(1).map((after, part) => {
    const before = uses[part] ?? after;
    return (after[name] - before[name]) / (after.at - before.at) * 100_000;
  });
}

/** Bytes in each minute. */
function written(...names: (keyof Use & `${string}Written`)[]): number[] {
  const sum = (use: Use | undefined) =>
    names.reduce((bytes, name) => bytes + (use?.[name] ?? NaN), 0);
  return Array.from(
    { length: minutes },
    (_, minute) => sum(uses[PARTS * (minute + 1)]) - sum(uses[PARTS * minute]),
  );
}

/** An aim for the whole time holds for the mean of its parts. */
function mean(values: readonly number[]): number[] {
  return [values.reduce((sum, value) => sum + value, 0) / values.length];
}

report("idle", [
  {
    name: "processor time of hamlet in all",
    unit: "%",
    values: mean(load("hamlet")),
    aim: { atMost: 1 },
  },
  {
    name: "processor time of hamlet in 6 s",
    unit: "%",
    values: load("hamlet"),
  },
  { name: "of its etcd in 6 s", unit: "%", values: load("nodeEtcd") },
  { name: "of etcd alone in 6 s", unit: "%", values: load("bareEtcd") },
  {
    name: "written by hamlet in a minute",
    unit: "bytes",
    values: written("hamletWritten"),
  },
  {
    name: "written by hamlet and its etcd in a minute",
    unit: "bytes",
    values: written("hamletWritten", "nodeEtcdWritten"),
    aim: { atMost: 1.2 * median(written("bareEtcdWritten")) },
  },
  {
    name: "written by etcd alone in a minute",
    unit: "bytes",
    values: written("bareEtcdWritten"),
  },
]);
