import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ClusterNode } from "hamlet";
import {
  type NodeViewSchema,
  WatchNodesResponseSchema,
} from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import {
  type NodeRecord,
  Role,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import {
  type NodeSchema,
  WatchEvent_Progress,
  WatchEventSchema,
} from "hamlet/proto/metropolis/node/core/curator/proto/api/api_pb.ts";
import { Encoded } from "../grpc/service_definition.ts";
import { fromRecordRole } from "../roles.ts";
import type { Batch } from "./node_feed.ts";

/**
 * Encodes a batch as the origin's clients read it.
 *
 * @param batch The batch.
 * @returns A `WatchEvent`.
 */
export function toWatchEvent(batch: Batch): Encoded {
  return new Encoded(toBinary(
    WatchEventSchema,
    create(WatchEventSchema, {
      nodes: batch.nodes.map(toOriginNode),
      nodeTombstones: batch.gone.map((nodeId) => ({ nodeId })),
      progress: batch.place === "last-backlogged"
        ? WatchEvent_Progress.LAST_BACKLOGGED
        : WatchEvent_Progress.UNSPECIFIED,
    }),
  ));
}

/**
 * Encodes a batch with names.
 *
 * @param batch The batch.
 * @returns A `WatchNodesResponse`.
 */
export function toNodesResponse(batch: Batch): Encoded {
  return new Encoded(toBinary(
    WatchNodesResponseSchema,
    create(WatchNodesResponseSchema, {
      nodes: batch.nodes.map(toView),
      removed: [...batch.gone],
      lastBacklogged: batch.place === "last-backlogged",
    }),
  ));
}

/**
 * Says what others may see of a node.
 *
 * @param record The node.
 */
export function toView(
  record: NodeRecord,
): MessageInitShape<typeof NodeViewSchema> {
  const { id, name, role, addresses, curatorPort, reportedAt } = record;
  return {
    id,
    name,
    role,
    addresses,
    curatorPort,
    ...reportedAt && { reportedAt },
  };
}

/**
 * Says what other plugins may see of a node.
 *
 * @param record The node.
 */
export function toClusterNode(record: NodeRecord): ClusterNode {
  const { id, name, addresses, curatorPort, reportedAt } = record;
  return {
    id,
    name,
    role: fromRecordRole(record.role),
    addresses,
    ...reportedAt && { lastSeen: timestampDate(reportedAt).toISOString() },
    ...curatorPort !== 0 && { curatorPort },
  };
}

function toOriginNode(
  record: NodeRecord,
): MessageInitShape<typeof NodeSchema> {
  const { id, role, addresses: [address], curatorPort, reportedAt } = record;
  return {
    id,
    roles: role === Role.MEMBER ? { consensusMember: {} } : {},
    ...reportedAt && {
      status: {
        externalAddress: address ?? "",
        timestamp: reportedAt,
        ...curatorPort !== 0 && { runningCurator: { port: curatorPort } },
      },
    },
  };
}
