/**
 * Finds a TCP port that nobody listens on. Another process can take it before the caller does, so let a program take
 * port 0 itself where it can.
 *
 * @param hostname The address to listen on.
 * @returns The port.
 */
export function freePort(hostname = "127.0.0.1"): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}
