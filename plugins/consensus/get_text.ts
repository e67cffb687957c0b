import { get } from "node:http";
import { text } from "node:stream/consumers";

/**
 * Reads what etcd serves over plain HTTP. Not with fetch(), which would need a grant for a host name that nobody
 * connects to.
 *
 * @param socket The path of etcd's client socket.
 * @param path What to read, such as `/metrics`.
 * @param timeout Milliseconds that etcd may take.
 * @returns The text.
 */
export function getText(
  socket: string,
  path: string,
  timeout: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    get({ socketPath: socket, path, signal }, (response) => {
      text(response).then(resolve, reject);
    }).on("error", reject);
  });
}
