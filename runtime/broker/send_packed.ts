import type { ProviderFrame, UserFrame } from "./frame.ts";
import { MAX_SHARED_BYTES } from "./limits.ts";
import { copyOf, type Packed } from "./pack.ts";
import type { Transport } from "./transport.ts";

/**
 * Sends a frame with a value as it is now, whatever becomes of it afterwards.
 *
 * @param transport The way.
 * @param packed The value.
 * @param frame Puts it into its frame.
 */
export function sendPacked(
  transport: Transport,
  { value, bytes }: Packed,
  frame: (value: unknown) => UserFrame | ProviderFrame,
): void {
  if (bytes > MAX_SHARED_BYTES) transport.send(frame(value));
  else transport.queue(frame(copyOf(value)));
}
