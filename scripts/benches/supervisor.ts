/**
 * What supervision costs per runnable: a tree in which every parent has ten children is started, made healthy and
 * canceled in order, children first.
 */
import { type Runnable, supervise } from "../../runtime/supervisor/mod.ts";
import { type Figure, report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { ratios } from "./statistics.ts";

const sizes = [1_000, 10_000, 100_000] as const;
const fanOut = 10;

/** Microseconds per runnable. */
interface Cost {
  /** From `supervise` until the last runnable is healthy. */
  readonly start: number;
  /** From `cancel` until the root, the last one, has returned. */
  readonly cancel: number;
  readonly total: number;
}

async function measure(size: number): Promise<Cost> {
  const healthy = Promise.withResolvers<void>();
  let started = 0;
  const returned = new Uint8Array(size);
  const runnable = (index: number): Runnable => async (ctx) => {
    const first = fanOut * index + 1;
    const end = Math.min(first + fanOut, size);
    for (let child = first; child < end; child += 1) {
      ctx.run(`${child - first}`, runnable(child));
    }
    ctx.healthy();
    started += 1;
    if (started === size) healthy.resolve();
    await new Promise<void>((resolve) =>
      ctx.signal.addEventListener("abort", () => resolve(), { once: true })
    );
    for (let child = first; child < end; child += 1) {
      if (returned[child] === 0) {
        throw new Error(
          `Runnable ${index} was canceled before its child ${child}`,
        );
      }
    }
    returned[index] = 1;
  };

  const errors: string[] = [];
  const note = (message: string) => void errors.push(message);
  const log = { debug: note, info: note, warn: note, error: note };
  const begin = performance.now();
  const supervisor = supervise(runnable(0), { log: () => log });
  await healthy.promise;
  const middle = performance.now();
  await supervisor.cancel();
  await supervisor.finished;
  const end = performance.now();
  if (errors.length > 0 || returned.includes(0)) {
    throw new Error(`Not canceled in order: ${errors[0]}`);
  }

  const perRunnable = (ms: number) => (ms * 1_000) / size;
  return {
    start: perRunnable(middle - begin),
    cancel: perRunnable(end - middle),
    total: perRunnable(end - begin),
  };
}

const costs = new Map<number, Cost[]>(sizes.map((size) => [size, []]));
// The compiler has seen everything before the first round that counts, and each round has every size: whatever else
// the machine does meets them all.
await measure(10_000);
const count = rounds();
for (let round = 0; round < count; round += 1) {
  for (const [size, found] of costs) found.push(await measure(size));
}

const totals = (size: number) =>
  costs.get(size)?.map(({ total }) => total) ?? [];
report("supervisor", [
  ...[...costs].flatMap(([size, found]): Figure[] =>
    (["start", "cancel", "total"] as const).map((part) => ({
      name: `${part}, each of ${size}`,
      unit: "µs",
      values: found.map((cost) => cost[part]),
    }))
  ),
  {
    // Linear would be 1; the larger tree no longer fits into the processor's caches.
    name: "each of 100000 over each of 10000",
    unit: "",
    values: ratios(totals(100_000), totals(10_000)),
    aim: { atMost: 3 },
  },
]);
