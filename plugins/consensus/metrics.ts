import { getText } from "./get_text.ts";

/**
 * Reads etcd's metrics, in the text format of Prometheus.
 *
 * @param socket The path of etcd's client socket.
 * @param timeout Milliseconds that etcd may take.
 * @returns The metrics.
 */
export function readMetrics(socket: string, timeout: number): Promise<string> {
  return getText(socket, "/metrics", timeout);
}
