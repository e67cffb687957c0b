/**
 * A value that changes, for the providers of `watch` methods: every reader gets the newest value at once and again
 * after each change. A slow reader misses values in between, never the newest.
 *
 * @typeParam T Compared with `Object.is`, so that an equal value tells nobody anything.
 *
 * @example
 * ```ts
 * import { Latest } from "hamlet";
 *
 * const address = new Latest("192.0.2.1");
 * for await (const value of address.watch(AbortSignal.timeout(1000))) {
 *   console.assert(value === "192.0.2.1");
 *   break;
 * }
 * ```
 */
export class Latest<T> {
  #value: T;
  /** What wakes each reader. */
  readonly #readers = new Set<() => void>();

  /** @param value The first value. */
  constructor(value: T) {
    this.#value = value;
  }

  /** The newest value. */
  get value(): T {
    return this.#value;
  }

  /** @param value The newest value from now on. */
  set(value: T): void {
    if (Object.is(this.#value, value)) return;
    this.#value = value;
    for (const wake of this.#readers) wake();
  }

  /**
   * Reads the value and its changes.
   *
   * @param signal Ends the stream.
   */
  async *watch(signal: AbortSignal): AsyncGenerator<T, void, void> {
    // A new promise for each wait: one that outlives it, as in a race, would keep something of each.
    let changed = Promise.withResolvers<void>();
    const wake = () => changed.resolve();
    this.#readers.add(wake);
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        changed = Promise.withResolvers();
        yield this.#value;
        // What changed while the reader was busy with the value has resolved this already.
        await changed.promise;
      }
    } finally {
      this.#readers.delete(wake);
      signal.removeEventListener("abort", wake);
    }
  }
}
