import type { Clock } from "../supervisor/mod.ts";

/**
 * Waits for the first of several, but not for ever.
 *
 * @param clock Where time comes from.
 * @param ms How long, in milliseconds.
 * @param promises What is waited for.
 * @returns What the first resolves with, or undefined once the time is over.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  promises: readonly Promise<T>[],
): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = clock.setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([...promises, promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
