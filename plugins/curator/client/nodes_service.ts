import { setTimeout as delay } from "node:timers/promises";
import type { Implementation, nodes } from "hamlet";
import type { KnownCluster } from "./known_cluster.ts";

/** Milliseconds between two views at least: of 10,000 nodes that start at once, each is a change. */
const PACE_MS = 50;

/**
 * Makes the service that tells who is in the cluster.
 *
 * @param known What this node knows.
 * @returns The service.
 */
export function nodesService(
  known: KnownCluster,
): Implementation<typeof nodes> {
  return {
    async *watch(_, { signal }) {
      for await (const _version of known.version.watch(signal)) {
        yield { nodes: known.nodes, current: known.current };
        await delay(PACE_MS);
      }
    },
  };
}
