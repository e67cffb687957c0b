import { ifThere } from "../if_there.ts";
import { AdminSocketError } from "./errors.ts";

/**
 * Makes sure that nothing is in the way of a socket: removes what a killed node left behind, and
 * touches nothing else.
 *
 * @param path The socket.
 * @throws {AdminSocketError} Where a node is listening, or something is there that is no socket.
 */
export async function clearSocket(path: string): Promise<void> {
  const found = await ifThere(Deno.lstat(path));
  if (found === undefined) return;
  if (!found.isSocket) {
    throw new AdminSocketError(
      `Cannot listen on "${path}": there is something else than a socket; move it away, or use another --run-dir`,
    );
  }
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    await Deno.remove(path);
    return;
  }
  throw new AdminSocketError(
    `Cannot listen on "${path}": another node is listening there; use another --run-dir`,
  );
}
