/**
 * How much memory a node takes without its etcd: a member with some of its plugins and with all of them, a worker, and
 * whether it grows over 10,000 each of log lines, watch events and revocations.
 *
 * A process with eight heaps is never twice of the same size. So the work is done in batches, the first of which, until
 * whatever is kept on purpose is full, are not looked at. What V8 says is alive after its collections is compared
 * between the three batches after these and the last three: a leak of a kilobyte at every turn would make 7 MB. What is
 * resident also has what is outside these heaps, their holes, and what waits to be collected: it is compared between
 * two times of rest, after the first batches and after the last, and its most in between is reported.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { AdminClient } from "../../runtime/admin/client.ts";
import { ca } from "../../runtime/services/ca.ts";
import { kv } from "../../runtime/services/kv.ts";
import { membership } from "../../runtime/services/membership.ts";
import {
  denoFlags,
  nodeFolders,
  NodeProcess,
  type StartOptions,
} from "../../tests/e2e/support/node_process.ts";
import { liveHeap } from "./live_heap.ts";
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
  ["curator"],
];

async function measureReady(options: StartOptions): Promise<Memory> {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, options);
  await node.ready();
  const memory = await memoryOf(node.pid);
  await node.stop();
  return memory;
}

async function measurePlugins(count: number): Promise<Figure[]> {
  const found = steps.map((): Memory[] => []);
  for (let round = 0; round < count; round += 1) {
    for (const [step, memories] of found.entries()) {
      const plugins = steps.slice(0, step + 1).flat().join();
      memories.push(await measureReady({ args: ["--plugins", plugins] }));
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

/** What a worker runs; each has a Worker of its own. */
const WORKER_PLUGINS = ["network", "hostsfile", "curator"];

/** What Deno takes that runs as many Workers as a worker has, with the flags of a node, and nothing in them. */
async function measureEmptyWorkers(): Promise<Memory> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", ...denoFlags()],
      new URL("memory/empty_workers.ts", import.meta.url).pathname,
      `${WORKER_PLUGINS.length}`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const memory = await memoryOf(child.pid);
  await child.stdin.close();
  await reader.cancel();
  await child.status;
  return memory;
}

/** A machine without etcd that follows a member. */
async function measureWorkers(count: number): Promise<Figure[]> {
  await using folders = await nodeFolders();
  await using member = new NodeProcess(folders);
  await member.ready();
  using client = member.client();
  const found: Memory[] = [];
  const empty: Memory[] = [];
  for (let round = 0; round < count; round += 1) {
    empty.push(await measureEmptyWorkers());
    const { token } = await client.call(membership, "invite", {
      role: "worker",
      ttl: 600,
      uses: 1,
    });
    const args = ["--join", token];
    found.push(await measureReady({ newCluster: false, args }));
  }
  await member.stop();
  return [
    {
      name: "a worker, resident and ready",
      unit: "MiB",
      values: found.map(({ resident }) => resident / MEBI),
      aim: { atMost: 90 },
    },
    {
      name: "the same, shared pages divided",
      unit: "MiB",
      values: found.map(({ proportional }) => proportional / MEBI),
    },
    {
      name: `Deno with ${WORKER_PLUGINS.length} empty Workers, resident`,
      unit: "MiB",
      values: empty.map(({ resident }) => resident / MEBI),
    },
  ];
}

/** Fills what the log keeps. */
const WARM_UP = 5;
const BATCHES = 10;
const BATCH = 1_000;
/** In a batch of revocations. */
const CALLS = 10;
/** Requests under way at the same time. */
const AT_ONCE = 16;
/** How many batches make the start and the end of what is alive. */
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

/** The most that is resident while something runs, bytes. */
async function mostDuring(pid: number, work: Promise<void>): Promise<number> {
  let most = 0;
  let running = true;
  const ended = work.finally(() => running = false);
  while (running) {
    most = Math.max(most, (await memoryOf(pid)).resident);
    await Promise.race([ended.catch(() => {}), delay(100)]);
  }
  await ended;
  return most;
}

/** V8 looks 30 s after a heap was last busy whether it can give memory back, and may try again 8 s later. */
const REST_MS = 60_000;

async function residentAtRest(pid: number): Promise<number> {
  await delay(REST_MS);
  return (await memoryOf(pid)).resident;
}

/** A node whose V8 tells of its collections. */
interface TracedNode {
  readonly pid: number;
  /** The file that it tells them in. */
  readonly trace: string;
}

async function measureGrowth(
  name: string,
  { pid, trace }: TracedNode,
  batch: (number: number) => Promise<void>,
): Promise<Figure[]> {
  const alive: number[] = [];
  let before = NaN;
  let most = 0;
  for (let number = 0; number < WARM_UP + BATCHES; number += 1) {
    if (number === WARM_UP) before = await residentAtRest(pid);
    most = Math.max(most, await mostDuring(pid, batch(number)));
    alive.push(liveHeap(await Deno.readTextFile(trace)));
  }
  const after = await residentAtRest(pid);
  const start = median(alive.slice(WARM_UP, WARM_UP + COMPARED));
  return [
    {
      name: `grown alive over ${BATCHES * BATCH} ${name}`,
      unit: "MB",
      values: alive.slice(-COMPARED).map((size) => size - start),
      aim: { atMost: 7 },
    },
    {
      name: `grown resident over ${BATCHES * BATCH} ${name}, at rest`,
      unit: "%",
      values: [100 * (after / before - 1)],
      aim: { atMost: 10 },
    },
    {
      name: `resident at the most, meanwhile`,
      unit: "MiB",
      values: [most / MEBI],
    },
  ];
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
  const trace = `${folders.root}/trace`;
  await using node = new NodeProcess(folders, {
    prefix: ["sh", "-c", `exec "$0" "$@" >${trace}`],
    env: { DENO_V8_FLAGS: "--trace-gc" },
  });
  await node.ready();
  const traced = { pid: node.pid, trace };
  using client = node.client();
  const figures: Figure[] = [];

  // What asks for a change is logged, and this one changes nothing.
  const before = node.log.length;
  figures.push(
    ...await measureGrowth("log lines", traced, (batch) =>
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
    ...await measureGrowth("watch events", traced, () =>
      many(
        BATCH,
        (index) => client.call(kv, "put", { key: `/b/${index}`, value }),
      )),
  );
  reading.abort();
  if (await events < BATCHES * BATCH) {
    throw new Error("Not every event was seen");
  }

  // Each revocation reads all that were issued, so these are there before the first one. A hundred are revoked at a
  // time, since each call makes a new list.
  const names = Array.from(
    { length: (WARM_UP + BATCHES) * CALLS },
    (_, name) => `bench-${name}`,
  );
  const authority = "cluster";
  for (const name of names) {
    await many(
      BATCH / CALLS,
      () => client.call(ca, "issue", { authority, name, addresses: [] }),
    );
  }
  figures.push(
    ...await measureGrowth("revocations", traced, async (batch) => {
      for (const name of names.slice(batch * CALLS, (batch + 1) * CALLS)) {
        await client.call(ca, "revoke", { authority, name });
      }
    }),
  );
  await node.stop();
  return figures;
}

const count = rounds();
report("memory", [
  ...await measurePlugins(count),
  ...await measureWorkers(count),
  ...await measureLoads(),
]);
