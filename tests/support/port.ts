/** Ports that no system hands out by itself: programs on port 0, and connections, come from above (ip(7)). */
const RANGE = { from: 10_240, to: 32_767 };

/**
 * Finds a TCP port that nobody listens on. Another process can take it before the caller does, so let a program take
 * port 0 itself where it can.
 *
 * @param hostname The address to listen on.
 * @returns The port.
 */
export function freePort(hostname = "127.0.0.1"): number {
  for (;;) {
    const { from, to } = RANGE;
    const port = from + Math.floor(Math.random() * (to - from + 1));
    try {
      Deno.listen({ hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
