import {
  type ca,
  type Client,
  failpoint,
  type Implementation,
  type Logger,
  type membership,
} from "hamlet";
import { Membership } from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import {
  type NodeRecord,
  Pending,
  Role,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { Encoded } from "../grpc/service_definition.ts";
import type { Caller, NodeCaller } from "./caller.ts";
import { certify } from "./certify.ts";
import type { Joining } from "./join.ts";
import type { Members } from "./members.ts";
import type { Batch, NodeFeed } from "./node_feed.ts";
import { type NodesStore, unknownNode } from "./nodes_store.ts";
import { operatorRpc } from "./operator_rpc.ts";
import type { Refusals } from "./refusals.ts";
import type { Reports } from "./reports.ts";
import type { Revocations } from "./revocations.ts";
import type { Handlers } from "./serve_rpc.ts";
import type { Sessions } from "./sessions.ts";
import { toNodesResponse, toView } from "./views.ts";

/** Options of {@linkcode membershipRpc}. */
export interface MembershipRpcOptions {
  /** The node ID of this member. */
  readonly self: string;
  /** The cluster authority's certificate, DER. */
  readonly authority: Uint8Array;
  readonly authorities: Client<typeof ca>;
  readonly feed: NodeFeed;
  readonly joining: Joining;
  /** What answers operators on this member itself. */
  readonly local: Implementation<typeof membership>;
  readonly log: Logger;
  readonly members: Members;
  readonly nodes: NodesStore;
  readonly refusals: Refusals;
  readonly reports: Reports;
  readonly revocations: Revocations;
  readonly sessions: Sessions;
}

/**
 * Answers Hamlet's own service.
 *
 * @param options See {@linkcode MembershipRpcOptions}.
 */
export function membershipRpc(
  options: MembershipRpcOptions,
): Handlers<typeof Membership> {
  const { authorities, feed, joining, members, nodes, revocations } = options;

  return {
    authority: {
      access: "anyone",
      handle: () => Promise.resolve({ certificate: options.authority }),
    },
    join: {
      access: "anyone",
      async handle(request, caller) {
        const { certificate, role } = await joining.join(request, caller);
        const { der } = await authorities.crl({ authority: "cluster" }, caller);
        failpoint("join answered");
        return { certificate, role, crl: der };
      },
    },
    watchNodes: {
      access: "known",
      handle: (_request, { signal }) => encode(feed.watch(signal)),
    },
    watchRevocations: {
      access: "known",
      async *handle(_request, { signal }) {
        for await (const crl of revocations.watch(signal)) yield { crl };
      },
    },
    report: {
      access: "node",
      async handle({ instance, addresses, curatorPort, name }, caller) {
        const from = asNode(caller);
        if (instance.length !== 16) {
          throw new RpcError(
            Code.INVALID_ARGUMENT,
            `A start has a number of 16 bytes: current value has ${instance.length}`,
          );
        }
        const start = new Uint8Array(instance);
        const known = feed.get(from.id)?.addresses[0];
        options.sessions.refuseCopy(from, start, known);
        const own = from.id === options.self;
        // This member's own report comes by loopback, which says nothing to anybody elsewhere.
        const address = own
          ? addresses[0] ?? known ?? from.address
          : from.address;
        await options.sessions.note({ ...from, address }, start, caller);
        const { record, refused } = await options.reports.take(from.id, {
          addresses,
          curatorPort,
          name,
          // A node's own server need not be told by the network where it is.
          source: own ? undefined : caller.address,
          always: false,
        }, caller);
        if (refused.length > 0) {
          options.refusals.note(
            `node "${from.id}" (${caller.address})`,
            `have the address ${refused.join(" and ")}`,
            "its report comes from another one, which the operator may allow with plugins.curator.trustedAddresses",
          );
        }
        return { next: reportEvery(feed.size), node: toView(record) };
      },
    },
    renew: {
      access: "node",
      handle: async (_request, caller) =>
        await joining.renew(await recordOf(nodes, caller), caller),
    },
    peerCertificate: {
      access: "member",
      async handle({ publicKey }, caller) {
        const authority = "peer" as const;
        const { certificate, authorityCertificate } = await certify(
          await recordOf(nodes, caller),
          {
            authorities,
            nodes,
            authority,
            publicKey: new Uint8Array(publicKey),
            refuse: refuseUnlessMember,
          },
          caller,
        );
        const { der: crl } = await authorities.crl({ authority }, caller);
        return { certificate, authority: authorityCertificate, crl };
      },
    },
    sealKey: {
      access: "member",
      async handle(_request, caller) {
        refuseUnlessMember(await recordOf(nodes, caller));
        return await authorities.sealKey({}, caller);
      },
    },
    addMember: {
      access: "member",
      async handle({ peerUrl, restart, etcdVersion }, caller) {
        const record = await recordOf(nodes, caller);
        refuseUnlessMember(record);
        return await members.add(record, {
          peerURL: peerUrl,
          restart,
          version: etcdVersion || undefined,
          remember: async (memberId) => {
            await nodes.update(record.id, (record) => {
              refuseUnlessMember(record);
              record.memberId = memberId;
              return true;
            }, caller);
          },
        }, caller);
      },
    },
    ...operatorRpc(options),
  };
}

/**
 * Says how often a node reports: all together as often as etcd hardly notices.
 *
 * @param nodes How many there are.
 * @returns Seconds.
 */
export function reportEvery(nodes: number): number {
  return Math.min(120, Math.max(10, Math.ceil(nodes / 100)));
}

async function recordOf(nodes: NodesStore, caller: Caller) {
  const { id } = asNode(caller);
  const stored = await nodes.read(id, caller);
  if (!stored) throw unknownNode(id);
  return stored.record;
}

/** A member that somebody takes out is not to come back at the same time, nor to get what members have. */
function refuseUnlessMember({ id, pending, role }: NodeRecord): void {
  if (pending !== Pending.UNSPECIFIED) {
    throw new RpcError(
      Code.UNAVAILABLE,
      `Node "${id}" is on its way out of the members`,
    );
  }
  if (role === Role.MEMBER) return;
  throw new RpcError(
    Code.PERMISSION_DENIED,
    `Only a member may do this, and node "${id}" is a worker`,
  );
}

/** What the gate has made sure of. */
function asNode(caller: Caller): NodeCaller {
  if (caller.kind === "node") return caller;
  throw new RpcError(Code.PERMISSION_DENIED, "Only a node may do this");
}

async function* encode(
  batches: AsyncIterable<Batch>,
): AsyncGenerator<Encoded, void, void> {
  for await (const batch of batches) yield batch.encoded(toNodesResponse);
}
