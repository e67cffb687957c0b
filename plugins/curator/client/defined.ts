import type { Latest } from "hamlet";

/**
 * Waits until a value is there.
 *
 * @param value The value.
 * @param signal Ends the wait, which then rejects with the signal's reason.
 * @returns The value.
 */
export async function defined<T>(
  value: Latest<T | undefined>,
  signal: AbortSignal,
): Promise<T> {
  for await (const now of value.watch(signal)) {
    if (now !== undefined) return now;
  }
  throw signal.reason;
}
