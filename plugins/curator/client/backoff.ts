import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds before the second try. */
const FIRST_MS = 500;
const FACTOR = 1.5;
/** Milliseconds between two tries at most: a cluster that is back is found again within this. */
const MAX_MS = 10_000;

/** Waits longer and longer between tries, and never as long as another node that waits for the same. */
export class Backoff {
  #ms = FIRST_MS;

  /**
   * Waits for the next try.
   *
   * @param signal Ends the wait, which then rejects with the signal's reason.
   * @param early Ends the wait too: something has changed that may help.
   */
  async wait(signal: AbortSignal, early?: Promise<unknown>): Promise<void> {
    const ms = this.#ms * (0.5 + Math.random());
    this.#ms = Math.min(this.#ms * FACTOR, MAX_MS);
    const over = new AbortController();
    const ends = AbortSignal.any([signal, over.signal]);
    try {
      await Promise.race([
        early ?? new Promise(() => {}),
        delay(ms, undefined, { signal: ends }).catch(() => {}),
      ]);
    } finally {
      over.abort();
    }
    signal.throwIfAborted();
  }

  /** Says that a try went well: the next wait is the first again. */
  reset(): void {
    this.#ms = FIRST_MS;
  }
}
