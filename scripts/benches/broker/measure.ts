import { type Client, v } from "hamlet";
import type { bench } from "./service.ts";

/** What the broker takes for messages like those of `kv`. */
export const BrokerFigures = v.object({
  /** Milliseconds from call to answer, one call after another: the median. */
  sequentialMedian: v.number(),
  /** The same, for the slowest call in a hundred. */
  sequential99: v.number(),
  /** Calls per second with 64 under way. */
  concurrentRate: v.number(),
  /** Items per second of one stream. */
  streamRate: v.number(),
});
/** What the broker takes for messages like those of `kv`. */
export type BrokerFigures = v.InferOutput<typeof BrokerFigures>;

const CALLS = 2_000;
const CONCURRENT_CALLS = 20_000;
const IN_FLIGHT = 64;
const ITEMS = 50_000;

/**
 * Measures one connection.
 *
 * @param client The user's end.
 * @returns The figures.
 */
export async function measure(
  client: Client<typeof bench>,
): Promise<BrokerFigures> {
  const value = new Uint8Array(256);
  const put = (i: number) => client.put({ key: `/bench/${i % 100}`, value });

  // Until the machine code is there, it is the compiler that is measured.
  for (let i = 0; i < CALLS; i++) await put(i);

  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    const start = performance.now();
    await put(i);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);

  let left = CONCURRENT_CALLS;
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (left-- > 0) await put(left);
  }));
  const concurrent = performance.now() - start;

  const streamStart = performance.now();
  for await (const _ of client.lines({ count: ITEMS }));
  const streamed = performance.now() - streamStart;

  return {
    sequentialMedian: times[Math.floor(times.length / 2)] ?? NaN,
    sequential99: times[Math.floor(times.length * 0.99)] ?? NaN,
    concurrentRate: CONCURRENT_CALLS / concurrent * 1000,
    streamRate: ITEMS / streamed * 1000,
  };
}
