/**
 * How much memory a node takes without its etcd: with some of its plugins and with all of them, and whether it grows
 * over 10,000 each of log lines, watch events and revocations.
 *
 * A process with seven heaps is never twice of the same size. So the work is done in batches, and of each counts the
 * least that was resident meanwhile, which is what is left after a collection. A leak of a kilobyte at every turn would
 * make some 7 MB of difference between the first batches after one to warm up and the last.
 */
import type { AdminClient } from "../../runtime/admin/client.ts";
import { ca } from "../../runtime/services/ca.ts";
import { kv } from "../../runtime/services/kv.ts";
import {
  nodeFolders,
  NodeProcess,
} from "../../tests/e2e/support/node_process.ts";
import { type Memory, memoryOf } from "./proc.ts";
import { type Figure, report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { median } from "./statistics.ts";

const MEBI = 1024 ** 2;

/** Sets of plugins, each with those before it. */
const steps = [
  ["network"],
  ["hostsfile"],
  ["consensus", "ca"],
  ["crl"],
  ["autopromoter"],
];

async function measureReady(plugins: readonly string[]): Promise<Memory> {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, {
    args: ["--plugins", plugins.join(",")],
  });
  await node.ready();
  const memory = await memoryOf(node.pid);
  await node.stop();
  return memory;
}

async function measurePlugins(count: number): Promise<Figure[]> {
  const found = steps.map((): Memory[] => []);
  for (let round = 0; round < count; round += 1) {
    for (const [step, memories] of found.entries()) {
      memories.push(await measureReady(steps.slice(0, step + 1).flat()));
    }
  }
  const sizes = (step: number, kind: keyof Memory) =>
    found[step]?.map((memory) => memory[kind] / MEBI) ?? [];
  const last = steps.length - 1;
  return [
    {
      name: "resident, everything ready",
      unit: "MiB",
      values: sizes(last, "resident"),
      aim: { atMost: 250 },
    },
    {
      name: "the same, shared pages divided",
      unit: "MiB",
      values: sizes(last, "proportional"),
    },
    {
      name: `the runtime with ${steps[0]}`,
      unit: "MiB",
      values: sizes(0, "resident"),
    },
    ...steps.slice(1).map((names, index): Figure => ({
      name: `${names.join(" and ")} add${names.length > 1 ? "" : "s"}`,
      unit: "MiB",
      values: sizes(index + 1, "resident").map((size, round) =>
        size - (sizes(index, "resident")[round] ?? NaN)
      ),
    })),
  ];
}

const BATCHES = 10;
const BATCH = 1_000;
/** Requests under way at the same time. */
const AT_ONCE = 16;
/** How many batches make the start and the end of the growth. */
const COMPARED = 3;

async function many(
  count: number,
  request: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      const index = next;
      next += 1;
      await request(index);
    }
  }));
}

/** The least that is resident while something runs, bytes. */
async function leastDuring(pid: number, work: Promise<void>): Promise<number> {
  let least = Infinity;
  let running = true;
  const ended = work.finally(() => running = false);
  while (running) {
    least = Math.min(least, (await memoryOf(pid)).resident);
    await Promise.race([
      ended.catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, 100)),
    ]);
  }
  await ended;
  return least;
}

async function measureGrowth(
  name: string,
  pid: number,
  batch: (number: number) => Promise<void>,
): Promise<Figure> {
  const least: number[] = [];
  for (let number = 0; number < BATCHES; number += 1) {
    least.push(await leastDuring(pid, batch(number)) / MEBI);
  }
  const start = median(least.slice(1, 1 + COMPARED));
  return {
    name: `grown after ${BATCHES * BATCH} ${name}`,
    unit: "MiB",
    values: least.slice(-COMPARED).map((size) => size - start),
    aim: { atMost: 7 },
  };
}

async function readEvents(
  client: AdminClient,
  signal: AbortSignal,
): Promise<number> {
  let events = 0;
  try {
    for await (
      const change of client.stream(kv, "watch", { prefix: "/b/" }, signal)
    ) {
      if (change.kind === "events") events += change.events.length;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return events;
}

async function measureLoads(): Promise<Figure[]> {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  using client = node.client();
  const figures: Figure[] = [];

  // What asks for a change is logged, and this one changes nothing.
  const before = node.log.length;
  figures.push(
    await measureGrowth("log lines", node.pid, (batch) =>
      many(
        BATCH,
        (index) => client.call(kv, "delete", { key: `/no/${batch}/${index}` }),
      )),
  );
  if (node.log.length < before + BATCH) {
    throw new Error("Not every request was logged");
  }

  const reading = new AbortController();
  const events = readEvents(client, reading.signal);
  const value = new Uint8Array(100);
  figures.push(
    await measureGrowth("watch events", node.pid, () =>
      many(
        BATCH,
        (index) => client.call(kv, "put", { key: `/b/${index}`, value }),
      )),
  );
  reading.abort();
  if (await events < (BATCHES - 1) * BATCH) {
    throw new Error("Not every event was seen");
  }

  figures.push(
    await measureGrowth("revocations", node.pid, async (batch) => {
      // A hundred at a time: each makes a new list of all that there are.
      const names = Array.from({ length: 10 }, (_, name) => `${batch}-${name}`);
      for (const name of names) {
        await many(
          BATCH / names.length,
          () =>
            client.call(ca, "issue", {
              authority: "cluster",
              name,
              addresses: [],
            }),
        );
        await client.call(ca, "revoke", { authority: "cluster", name });
      }
    }),
  );
  await node.stop();
  return figures;
}

report("memory", [...await measurePlugins(rounds()), ...await measureLoads()]);
