import { create, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import {
  NodeRecordSchema,
  Role,
} from "../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import type { AdminClient } from "../../../runtime/admin/client.ts";
import { kv } from "../../../runtime/services/kv.ts";

/** A node that is there in the cluster's records alone. */
export interface RecordedNode {
  readonly id: string;
  readonly name: string;
  readonly address: string;
}

/**
 * Makes up nodes, each with a name and an address that no other has.
 *
 * @param count How many.
 * @param first The number of the first one. @default 0
 */
export function recordedNodes(count: number, first = 0): RecordedNode[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    return {
      id: `hamlet-${number.toString(16).padStart(32, "0")}`,
      name: `bench-${number}`,
      address: `10.88.${number >> 8 & 255}.${number & 255}`,
    };
  });
}

/** What a transaction of etcd takes. */
const AT_ONCE = 100;

/**
 * Writes the records of nodes as a member does when nodes join and report, a hundred at a time.
 *
 * @param client The admin socket of a member.
 * @param nodes The nodes.
 */
export async function record(
  client: AdminClient,
  nodes: readonly RecordedNode[],
): Promise<void> {
  for (let begin = 0; begin < nodes.length; begin += AT_ONCE) {
    await client.call(kv, "txn", {
      success: nodes.slice(begin, begin + AT_ONCE).map((node) => ({
        put: { key: `/nodes/${node.id}`, value: encode(node) },
      })),
    });
  }
}

function encode({ id, name, address }: RecordedNode): Uint8Array<ArrayBuffer> {
  return toBinary(
    NodeRecordSchema,
    create(NodeRecordSchema, {
      id,
      name,
      role: Role.WORKER,
      addresses: [address],
      reportedAt: timestampNow(),
    }),
  );
}
