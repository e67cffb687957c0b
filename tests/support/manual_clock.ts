import type { Clock, TimerHandle } from "../../runtime/supervisor/clock.ts";

/** A timer that has not fired. */
interface Timer {
  /** When it fires, in milliseconds since the epoch. */
  readonly at: number;
  /** What it calls. */
  readonly fn: () => void;
}

/**
 * A clock that a test moves by hand.
 *
 * @example Usage
 * ```ts
 * import { ManualClock } from "./manual_clock.ts";
 *
 * const clock = new ManualClock();
 * let fired = false;
 * clock.setTimeout(() => fired = true, 500);
 * await clock.advance(500);
 * console.assert(fired);
 * ```
 */
export class ManualClock implements Clock {
  readonly #timers = new Map<TimerHandle, Timer>();
  #now: number;
  #handles = 0;

  /**
   * Makes a clock that stands still.
   *
   * @param now Its first reading, in milliseconds since the epoch
   */
  constructor(now = 0) {
    this.#now = now;
  }

  /** How many timers are set and have neither fired nor been taken back. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    this.#handles += 1;
    this.#timers.set(this.#handles, { at: this.#now + Math.max(0, ms), fn });
    return this.#handles;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle);
  }

  /**
   * Moves the clock on and fires what falls due, in the order of time. After each timer, and at the end, everything
   * that promises have to say has been said.
   *
   * @param ms How far to move, in milliseconds
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (
      let due = this.#earliest(end);
      due !== undefined;
      due = this.#earliest(end)
    ) {
      const [handle, timer] = due;
      this.#timers.delete(handle);
      this.#now = timer.at;
      timer.fn();
      await this.settle();
    }
    this.#now = end;
  }

  /** Resolves once no promise reaction is left to run, without moving the clock. */
  settle(): Promise<void> {
    // A macrotask starts only when the queue of microtasks is empty, however long their chain is.
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        port2.close();
        resolve();
      };
      port2.postMessage(undefined);
    });
  }

  /** The timer that falls due first, no later than `end`; of two for the same instant, the one set first. */
  #earliest(end: number): [TimerHandle, Timer] | undefined {
    let earliest: [TimerHandle, Timer] | undefined;
    for (const entry of this.#timers) {
      if (
        entry[1].at <= end &&
        (earliest === undefined || entry[1].at < earliest[1].at)
      ) earliest = entry;
    }
    return earliest;
  }
}
