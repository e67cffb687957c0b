import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds between two tries. */
const INTERVAL = 5;
/** Milliseconds after which it is given up. */
const PATIENCE = 60_000;

/**
 * Tries until something succeeds, of which nobody tells.
 *
 * @param attempt Gives undefined, or fails, as long as it is not so yet.
 * @returns What it gives.
 * @throws What the last try failed with, after a minute.
 */
export async function poll<T>(
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const late = performance.now() + PATIENCE;
  for (;;) {
    try {
      const found = await attempt();
      if (found !== undefined) return found;
      if (performance.now() > late) throw new Error("Waited in vain");
    } catch (error) {
      if (performance.now() > late) throw error;
    }
    await delay(INTERVAL);
  }
}
