/**
 * What supervision costs per runnable: a tree in which every parent has ten children is started, made healthy and
 * canceled in order, children first. Prints text, or one JSON object with `--json`.
 */
import { type Runnable, supervise } from "../../runtime/supervisor/mod.ts";

const sizes = [1_000, 10_000, 100_000] as const;
const rounds = 10;
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

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN) +
    (sorted[Math.ceil((sorted.length - 1) / 2)] ?? NaN)) /
    2;
}

const costs = new Map<number, Cost[]>(sizes.map((size) => [size, []]));
// The compiler has seen everything before the first round that counts, and each round has every size: whatever else
// the machine does meets them all.
await measure(10_000);
for (let round = 0; round < rounds; round += 1) {
  for (const [size, found] of costs) found.push(await measure(size));
}

const results = [...costs].map(([runnables, found]) => ({
  runnables,
  startMicroseconds: median(found.map(({ start }) => start)),
  cancelMicroseconds: median(found.map(({ cancel }) => cancel)),
  microseconds: median(found.map(({ total }) => total)),
}));
const [, some, most] = results;
const ratio = (most?.microseconds ?? NaN) / (some?.microseconds ?? NaN);

const lines = Deno.args.includes("--json")
  ? [JSON.stringify({ name: "supervisor", rounds, results, ratio })]
  : [
    ...results.map((
      { runnables, startMicroseconds, cancelMicroseconds, microseconds },
    ) =>
      `${runnables.toLocaleString("en").padStart(7)} runnables: ${
        microseconds.toFixed(1)
      } µs each ` +
      `(${startMicroseconds.toFixed(1)} until healthy, ${
        cancelMicroseconds.toFixed(1)
      } to cancel in order)`
    ),
    `per runnable, 100,000 over 10,000: ${
      ratio.toFixed(2)
    } (median of ${rounds})`,
  ];
// deno-lint-ignore no-console -- the figures are what this program is for
for (const line of lines) console.log(line);
