/**
 * How long a node takes from its start until it is ready, over how long etcd alone, with everything but its data made
 * before, takes until it has acknowledged its first write: both without data and with it.
 */
import {
  nodeFolders,
  NodeProcess,
} from "../../tests/e2e/support/node_process.ts";
import { tempFolder } from "../../tests/support/temp.ts";
import { EtcdGround } from "./bare_etcd.ts";
import { type Phase, phasesOf, showPhases } from "./phases.ts";
import { type Figure, report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { ratios } from "./statistics.ts";

/** Without data and with it. */
const kinds = ["cold start", "restart"] as const;

/** What one kind of start took, by round. */
interface Times {
  readonly etcd: number[];
  readonly node: number[];
  readonly phases: Phase[][];
}

async function measure(count: number): Promise<Map<string, Times>> {
  await using folder = await tempFolder();
  const ground = await EtcdGround.prepare(folder.path);
  const times = new Map<string, Times>(
    kinds.map((kind) => [kind, { etcd: [], node: [], phases: [] }]),
  );
  for (let round = 0; round < count; round += 1) {
    await using folders = await nodeFolders();
    for (const [kind, { etcd, node, phases }] of times) {
      const newCluster = kind === "cold start";
      const bare = await ground.start(newCluster);
      etcd.push(bare.firstWrite);
      await bare.stop();

      const epoch = Date.now();
      const begin = performance.now();
      await using hamlet = new NodeProcess(folders, { newCluster });
      await hamlet.ready();
      node.push(performance.now() - begin);
      phases.push(await phasesOf(hamlet, epoch));
      await hamlet.stop();
    }
    await ground.empty();
  }
  return times;
}

const count = rounds();
// Whatever is compiled once, or read from disk for the first time, is not looked at.
await measure(1);
const times = await measure(count);
report(
  "start",
  [...times].flatMap(([kind, { etcd, node }]): Figure[] => [
    { name: `${kind} of etcd to its first write`, unit: "ms", values: etcd },
    { name: `${kind} of a node until it is ready`, unit: "ms", values: node },
    {
      name: `${kind}, node over etcd`,
      unit: "",
      values: ratios(node, etcd),
      aim: { atMost: 2 },
    },
  ]),
  {
    notes: [...times].flatMap(([kind, { phases }]) => [
      `${kind}, ms until the log says:`,
      ...showPhases(phases),
    ]),
  },
);
