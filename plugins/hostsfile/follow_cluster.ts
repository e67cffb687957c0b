import {
  type Client,
  type Latest,
  type nodes,
  type Runnable,
  ServiceGoneError,
} from "hamlet";
import type { HostsEntry } from "./hosts_file.ts";
import { mergeView } from "./known_nodes.ts";

/** Options of {@linkcode followCluster}. */
export interface FollowClusterOptions {
  /** Waits for somebody who knows the cluster. */
  readonly use: () => Promise<Client<typeof nodes>>;
  /** This node. */
  readonly self: { readonly id: string; readonly name: string };
  /** What is known of all nodes, by ID; updated. */
  readonly known: Latest<ReadonlyMap<string, HostsEntry>>;
}

/**
 * Makes the runnable that learns of the cluster's other nodes, whenever there is somebody to learn from.
 *
 * @param options See {@linkcode FollowClusterOptions}.
 * @returns The runnable.
 */
export function followCluster(
  { use, self, known }: FollowClusterOptions,
): Runnable {
  return async (ctx) => {
    ctx.healthy();
    const reported = new Set<string>();
    let missed = new Set<string>();
    while (!ctx.signal.aborted) {
      try {
        const view = (await use()).watch({}, { signal: ctx.signal });
        for await (const { nodes, current } of view) {
          const { entries, missing, problems } = mergeView(
            known.value,
            nodes,
            self,
          );
          known.set(entries);
          for (const problem of problems) {
            if (!reported.has(problem)) ctx.log.warn(problem);
          }
          reported.clear();
          for (const problem of problems) reported.add(problem);
          // What this node merely remembers says nothing about who left.
          if (!current) continue;
          for (const { id, name, address } of missing) {
            if (missed.has(id)) continue;
            ctx.log.info(
              `Node "${name}" is not in the cluster any more; its entry stays`,
              { id, address },
            );
          }
          missed = new Set(missing.map(({ id }) => id));
        }
      } catch (error) {
        if (!(error instanceof ServiceGoneError)) throw error;
      }
    }
  };
}
