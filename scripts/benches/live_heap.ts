/** V8's line of a full collection: its isolate, and the megabytes of live objects that it left. */
const COLLECTION = /^\[\d+:(0x[0-9a-f]+)\].* Mark-Compact .*? -> ([\d.]+) \(/gm;

/**
 * Reads out of V8's trace what the last full collection of each heap has left.
 *
 * @param trace What a program run with `--trace-gc` wrote to its standard output.
 * @returns The megabytes of all heaps together; a heap that was never collected does not count.
 */
export function liveHeap(trace: string): number {
  const left = new Map<string, number>();
  for (const [, isolate = "", megabytes] of trace.matchAll(COLLECTION)) {
    left.set(isolate, Number(megabytes));
  }
  return [...left.values()].reduce((sum, megabytes) => sum + megabytes, 0);
}
