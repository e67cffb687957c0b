import { get } from "node:http";
import { text } from "node:stream/consumers";

/**
 * Reads etcd's metrics, in the text format of Prometheus. Not with fetch(), which would need a grant
 * for a host name that nobody connects to.
 *
 * @param socket The path of etcd's client socket.
 * @param timeout Milliseconds that etcd may take.
 * @returns The metrics.
 */
export function readMetrics(socket: string, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    get({ socketPath: socket, path: "/metrics", signal }, (response) => {
      text(response).then(resolve, reject);
    }).on("error", reject);
  });
}
