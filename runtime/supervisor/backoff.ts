/** How long a runnable that died stays away before it starts again. */
export interface BackoffOptions {
  /**
   * The wait after the first death, in milliseconds: short, since most faults have gone by themselves by then.
   * @default {500}
   */
  readonly initial?: number;
  /**
   * By how much each further death in a row multiplies the wait.
   * @default {1.5}
   */
  readonly factor?: number;
  /**
   * The wait that is never exceeded, in milliseconds.
   * @default {60_000}
   */
  readonly max?: number;
  /**
   * The part of a wait that is left to chance, from 0 to 1, so that what died together does not come back together:
   * 0.2 waits for 80 to 100 % of it.
   * @default {0.2}
   */
  readonly jitter?: number;
  /**
   * After how long in good health earlier deaths are forgotten, in milliseconds.
   * @default {30_000}
   */
  readonly resetAfter?: number;
}

/** What holds where {@linkcode BackoffOptions} says nothing. */
export const defaultBackoff: Required<BackoffOptions> = {
  initial: 500,
  factor: 1.5,
  max: 60_000,
  jitter: 0.2,
  resetAfter: 30_000,
};

/**
 * Computes how long to wait after a death.
 *
 * @param deaths How many deaths in a row there were before this one
 * @param backoff The rule
 * @param random Gives a number from 0 up to, but not including, 1
 * @returns The wait, in milliseconds
 */
export function backoffDelay(
  deaths: number,
  backoff: Required<BackoffOptions>,
  random: () => number,
): number {
  const full = Math.min(
    backoff.max,
    backoff.initial * backoff.factor ** deaths,
  );
  return full * (1 - backoff.jitter * random());
}
