import { Curator } from "hamlet/proto/metropolis/node/core/curator/proto/api/api_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { Encoded } from "../grpc/service_definition.ts";
import type { Caller } from "./caller.ts";
import type { Batch, NodeFeed } from "./node_feed.ts";
import type { Reports } from "./reports.ts";
import type { Handlers } from "./serve_rpc.ts";
import { toWatchEvent } from "./views.ts";

/** Options of {@linkcode curatorRpc}. */
export interface CuratorRpcOptions {
  readonly feed: NodeFeed;
  readonly reports: Reports;
}

/**
 * Answers the origin's service.
 *
 * @param options See {@linkcode CuratorRpcOptions}.
 */
export function curatorRpc(
  { feed, reports }: CuratorRpcOptions,
): Handlers<typeof Curator> {
  return {
    watch: {
      access: "known",
      handle({ kind }, { signal }) {
        switch (kind.case) {
          case "nodesInCluster":
            return encode(feed.watch(signal));
          case "nodeInCluster":
            return encode(feed.watchOne(kind.value.nodeId, signal));
          default:
            throw new RpcError(
              Code.INVALID_ARGUMENT,
              "Say what to watch: node_in_cluster or nodes_in_cluster",
            );
        }
      },
    },
    updateNodeStatus: {
      access: "known",
      async handle({ nodeId, status }, caller) {
        const own = speaksFor(caller, nodeId);
        const address = status?.externalAddress ?? "";
        const { refused } = await reports.take(nodeId, {
          addresses: address === "" ? [] : [address],
          curatorPort: status?.runningCurator?.port ?? 0,
          name: "",
          source: own ? caller.address : undefined,
          always: true,
        }, caller);
        if (refused.length === 0) return {};
        throw new RpcError(
          Code.PERMISSION_DENIED,
          `Cannot take address "${address}" from ${caller.address}: a node reports its address from there, or the operator allows it with plugins.curator.trustedAddresses`,
        );
      },
    },
  };
}

/** Refuses who speaks for another; tells whether the caller is the node itself. */
function speaksFor(caller: Caller, nodeId: string): boolean {
  if (caller.kind === "operator") return false;
  if (caller.kind === "node" && caller.id === nodeId) return true;
  throw new RpcError(
    Code.PERMISSION_DENIED,
    `Only node "${nodeId}" itself or an operator may say how it is`,
  );
}

async function* encode(
  batches: AsyncIterable<Batch>,
): AsyncGenerator<Encoded, void, void> {
  for await (const batch of batches) yield batch.encoded(toWatchEvent);
}
