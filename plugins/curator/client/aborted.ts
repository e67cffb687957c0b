import { once } from "node:events";

/**
 * Waits for the end.
 *
 * @param signal What aborts then.
 */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
