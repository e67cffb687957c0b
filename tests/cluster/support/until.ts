import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds that something may take: far more than it does on a busy machine. */
const PATIENCE = 60_000;
/** Milliseconds between two looks. */
const INTERVAL = 100;

/**
 * Looks until something is so; it may fail meanwhile. For what several programs have to come to, and none
 * of them tells of.
 *
 * @param what What is waited for, for the message of a failure.
 * @param attempt Looks.
 * @param explain What else to say where it does not come.
 * @throws {Error} If it does not come within a minute.
 */
export async function until(
  what: string,
  attempt: () => boolean | Promise<boolean>,
  explain: () => string = () => "",
): Promise<void> {
  const late = performance.now() + PATIENCE;
  for (;;) {
    let failure: unknown;
    try {
      if (await attempt()) return;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > late) {
      throw new Error(`In vain: ${what}${explain()}`, { cause: failure });
    }
    await delay(INTERVAL);
  }
}
