/**
 * How long a node takes from its start until it is ready, over how long etcd alone, with everything but its data made
 * before, takes until it has acknowledged its first write: both without data and with it.
 *
 * Each of these starts waits for etcd's election, a random time which says nothing about either. The ratio is that of
 * starts whose elections take the same: what an election takes on average, in the place of each one's own.
 */
import {
  nodeFolders,
  NodeProcess,
} from "../../tests/e2e/support/node_process.ts";
import { tempFolder } from "../../tests/support/temp.ts";
import { EtcdGround } from "./bare_etcd.ts";
import { electionTime, loggingEtcd } from "./election.ts";
import { type Phase, phasesOf, showPhases } from "./phases.ts";
import { type Figure, report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { ratios } from "./statistics.ts";

/**
 * What a member that is alone waits for its election on average, in milliseconds: 10 to 19 ticks of 100 ms, each number
 * as likely (`resetRandomizedElectionTimeout` in etcd's raft). Without data it passes over nine of them, which it logs as
 * "fast-forwarding election ticks".
 */
const kinds = { "cold start": 550, restart: 1450 } as const;

/** What the starts of one program took, in milliseconds. */
class Starts {
  /** As they were, by round. */
  readonly whole: number[] = [];
  /** How much of that was the election. */
  readonly elections: number[] = [];

  add(whole: number, election: number): void {
    this.whole.push(whole);
    this.elections.push(election);
  }

  /** As they would have been with another election. */
  withElection(election: number): number[] {
    return this.whole.map((whole, round) =>
      whole - (this.elections[round] ?? NaN) + election
    );
  }
}

/** What one kind of start took. */
interface Times {
  readonly etcd: Starts;
  readonly node: Starts;
  readonly phases: Phase[][];
}

async function measure(count: number): Promise<Map<keyof typeof kinds, Times>> {
  await using folder = await tempFolder();
  const program = await loggingEtcd(folder.path);
  const ground = await EtcdGround.prepare(folder.path, { etcd: program.path });
  const start = (): Times => ({
    etcd: new Starts(),
    node: new Starts(),
    phases: [],
  });
  const times = new Map<keyof typeof kinds, Times>([
    ["cold start", start()],
    ["restart", start()],
  ]);
  for (let round = 0; round < count; round += 1) {
    await using folders = await nodeFolders();
    for (const [kind, { etcd, node, phases }] of times) {
      const newCluster = kind === "cold start";
      const bare = await ground.start("new");
      await bare.write();
      const written = performance.now() - bare.startedAt;
      await bare.stop();
      etcd.add(written, await electionTime(program.log));

      const epoch = Date.now();
      const begin = performance.now();
      const args = ["--etcd", program.path];
      await using hamlet = new NodeProcess(folders, { newCluster, args });
      await hamlet.ready();
      const ready = performance.now() - begin;
      phases.push(await phasesOf(hamlet, epoch));
      await hamlet.stop();
      node.add(ready, await electionTime(program.log));
    }
    await ground.empty();
  }
  return times;
}

const count = rounds(20);
// Whatever is compiled once, or read from disk for the first time, is not looked at.
await measure(1);
const times = await measure(count);
report(
  "start",
  [...times].flatMap(([kind, { etcd, node }]): Figure[] => {
    const election = kinds[kind];
    return [
      {
        name: `${kind} of etcd to its first write`,
        unit: "ms",
        values: etcd.whole,
      },
      {
        name: `${kind} of a node until it is ready`,
        unit: "ms",
        values: node.whole,
      },
      {
        name: `${kind}, of that etcd's election`,
        unit: "ms",
        values: [...etcd.elections, ...node.elections],
      },
      {
        name: `${kind}, node over etcd with an election of ${election} ms`,
        unit: "",
        values: ratios(
          node.withElection(election),
          etcd.withElection(election),
        ),
        aim: { atMost: 2 },
      },
    ];
  }),
  {
    notes: [...times].flatMap(([kind, { phases }]) => [
      `${kind}, ms until the log says:`,
      ...showPhases(phases),
    ]),
  },
);
