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
  #changed = Promise.withResolvers<void>();

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
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }

  /**
   * Reads the value and its changes.
   *
   * @param signal Ends the stream.
   */
  async *watch(signal: AbortSignal): AsyncGenerator<T, void, void> {
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener("abort", abort);
    try {
      while (!signal.aborted) {
        const changed = this.#changed.promise;
        const value = this.#value;
        yield value;
        // What changed while the reader was busy with the value has resolved this already.
        await Promise.race([changed, aborted.promise]);
      }
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
