/**
 * Lets only so many plugins start at a time, in the order in which they come. Making a Worker blocks
 * its parent for some 15 ms, and loading a plugin keeps a core busy for 50 or more: all at once, the
 * first would not run before the last has loaded.
 */
export class LoadQueue {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param limit How many at a time. */
  constructor(limit: number) {
    this.#free = limit;
  }

  /**
   * Waits for a place.
   *
   * @returns The place, to be disposed of when the plugin is healthy, or has ended.
   */
  async enter(): Promise<Disposable> {
    if (this.#free > 0) this.#free -= 1;
    else {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        const next = this.#waiting.shift();
        if (next === undefined) this.#free += 1;
        else next();
      },
    };
  }
}
