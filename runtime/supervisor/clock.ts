/** A timer that was set: what `Clock.clearTimeout` takes back. */
export type TimerHandle = ReturnType<typeof setTimeout> | number;

/** All the time that supervision knows of, so that a test can put its own in its place. */
export interface Clock {
  /** Returns the milliseconds since the epoch. Only shown, never measured with: a machine's clock may be set. */
  now(): number;

  /**
   * Calls a function once, later.
   *
   * @param fn The function
   * @param ms How much later, in milliseconds
   * @returns What {@linkcode Clock.clearTimeout} takes
   */
  setTimeout(fn: () => void, ms: number): TimerHandle;

  /**
   * Takes a timer back; nothing happens if it has fired or was taken back before.
   *
   * @param handle What {@linkcode Clock.setTimeout} returned
   */
  clearTimeout(handle: TimerHandle): void;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (handle) => clearTimeout(handle),
};
