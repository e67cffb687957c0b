/** V8's line of a full collection: its isolate, and the megabytes of live objects that it left. */
const COLLECTION = /^\[\d+:(0x[0-9a-f]+)\].* Mark-Compact .*? -> ([\d.]+) \(/gm;

/** Reads what is alive in a program out of what V8 tells of its collections with `--trace-gc`. */
export class LiveHeap {
  /** The last known size of each heap, megabytes, by isolate. */
  readonly #sizes = new Map<string, number>();
  #read = 0;

  /**
   * Reads on.
   *
   * @param trace All that the program wrote to its standard output so far.
   * @returns The megabytes of all heaps together: of each, the least that a collection has left since the last look,
   *   since one that comes in the middle of something has what that needs; where there was none, what was found then.
   *   A heap that was never collected does not count.
   */
  look(trace: string): number {
    const least = new Map<string, number>();
    for (
      const [, isolate = "", text] of trace.slice(this.#read)
        .matchAll(COLLECTION)
    ) {
      const size = Number(text);
      least.set(isolate, Math.min(size, least.get(isolate) ?? Infinity));
    }
    this.#read = trace.lastIndexOf("\n") + 1;
    for (const [isolate, size] of least) this.#sizes.set(isolate, size);
    return this.#sizes.values().reduce((sum, size) => sum + size, 0);
  }
}
