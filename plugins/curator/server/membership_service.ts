import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Caller,
  type CallOptions,
  type Implementation,
  type Member,
  type membership,
  ServiceError,
} from "hamlet";
import {
  type NodeRecord,
  Pending,
  Role,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { toServiceError } from "../grpc/to_service_error.ts";
import { type Endpoint, formatToken } from "../token.ts";
import type { Departures, Step } from "./departures.ts";
import type { Invitations } from "./invitations.ts";
import { isOf, type Members } from "./members.ts";
import { reportEvery } from "./membership_rpc.ts";
import type { NodeFeed } from "./node_feed.ts";
import { type NodesStore, unknownNode } from "./nodes_store.ts";
import type { Sessions } from "./sessions.ts";
import { toClusterNode } from "./views.ts";

/** Options of {@linkcode membershipService}. */
export interface MembershipServiceOptions {
  /** The node ID of this member. */
  readonly self: string;
  /** The cluster authority's certificate, DER. */
  readonly authority: Uint8Array;
  readonly departures: Departures;
  readonly feed: NodeFeed;
  readonly invitations: Invitations;
  readonly members: Members;
  readonly nodes: NodesStore;
  readonly sessions: Sessions;
}

/** Addresses of members that a token names. */
const MOST_ENDPOINTS = 6;
/** Milliseconds between two looks at the members, of which etcd has no watch. */
const LOOK_MS = 250;
/** Milliseconds in which those that are a majority find another leader, https://etcd.io/docs/v3.4/tuning/ */
const ELECTION_MS = 2_000;

type State = "ready" | "learner" | "not-seen" | "joining";

/**
 * Answers operators on this member.
 *
 * @param options See {@linkcode MembershipServiceOptions}.
 * @returns The service.
 */
export function membershipService(
  options: MembershipServiceOptions,
): Implementation<typeof membership> {
  const { self, departures, feed, invitations, members, nodes, sessions } =
    options;

  function stateOf(record: NodeRecord, list: readonly Member[]): State {
    const etcd = list.find((member) => isOf(member, record));
    const last = sessions.last(record.id);
    if (etcd?.learner) return "learner";
    // Its etcd is missed long before its next report is.
    if (etcd?.reachable === false) return "not-seen";
    if (!last || record.role === Role.MEMBER && !etcd) return "joining";
    return last.ago > 3000 * reportEvery(feed.size) ? "not-seen" : "ready";
  }

  async function endpoints(call: CallOptions): Promise<Endpoint[]> {
    // This one answers right now, and may have said where it is just before.
    const own = await nodes.read(self, call);
    const usable = [
      ...own ? [own.record] : [],
      ...feed.all().filter(({ id }) => id !== self),
    ].filter(({ role, curatorPort }) =>
      role === Role.MEMBER && curatorPort !== 0
    );
    // Whoever joins may speak but one of two families.
    return usable.flatMap(({ id, addresses, curatorPort: port }) =>
      addresses.map((address) => ({ id, address, port }))
    ).slice(0, MOST_ENDPOINTS);
  }

  /** The members; right after the one that led has gone, those that have the next leader. */
  async function listWithLeader(call: CallOptions): Promise<Member[]> {
    const until = performance.now() + ELECTION_MS;
    for (;;) {
      const list = await members.list(call);
      const led = list.some(({ leader }) => leader);
      if (led || performance.now() > until) return list;
      await delay(LOOK_MS, undefined, call.signal && { signal: call.signal });
    }
  }

  /** Every node, as the last who changed one was told that it is; without a majority as this member knows them. */
  async function allNodes(
    list: readonly Member[],
    call: CallOptions,
  ): Promise<{ records: NodeRecord[]; current: boolean }> {
    const known = { records: feed.all(), current: false };
    if (!list.some(({ leader }) => leader)) return known;
    try {
      return { records: await nodes.all(call), current: true };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return known;
    }
  }

  /** Ends the wait for a node that somebody has taken out, or made a worker again. */
  async function refuseIfCalledOff(id: string, call: Caller): Promise<void> {
    let found;
    try {
      found = await nodes.read(id, call);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      // Without a majority nobody is promoted, and nothing is called off.
      return;
    }
    if (!found) throw unknownNode(id);
    const { name, role, pending } = found.record;
    if (role === Role.MEMBER && pending === Pending.UNSPECIFIED) return;
    throw new RpcError(
      Code.FAILED_PRECONDITION,
      `Node "${name}" is to be a member no more`,
    );
  }

  async function* promote(
    node: string,
    call: Caller,
  ): AsyncGenerator<Step, void, void> {
    const found = await nodes.find(node, call);
    if (!found) throw unknownNode(node);
    const { id, name } = await nodes.update(found.record.id, (record) => {
      if (record.pending !== Pending.UNSPECIFIED) {
        throw new RpcError(
          Code.FAILED_PRECONDITION,
          `Node "${record.name}" is on its way out of the members; wait until that is done`,
        );
      }
      if (record.role === Role.MEMBER) return false;
      record.role = Role.MEMBER;
      return true;
    }, call);
    let learner = false;
    const wasVoter = (await members.list(call)).some((member) =>
      member.name === id && !member.learner
    );
    if (wasVoter && found.record.role === Role.MEMBER) {
      yield { step: `Node "${name}" (${id}) is a member already`, done: true };
      return;
    }
    yield { step: `Node "${name}" (${id}) becomes a member`, done: false };
    for (;;) {
      const list = await members.list(call);
      const own = list.find((member) => member.name === id);
      // One that catches up at once is a voter at the first look.
      if (own && !learner && !wasVoter) {
        learner = true;
        yield { step: "It is a learner and catches up", done: false };
      }
      if (own && !own.learner) break;
      await refuseIfCalledOff(id, call);
      await delay(LOOK_MS, undefined, { signal: call.signal });
    }
    yield { step: "It is a member with a vote", done: true };
  }

  return {
    async invite(request, caller) {
      return await asService(async () => {
        const found = await endpoints(caller);
        if (found.length === 0) {
          throw new RpcError(
            Code.UNAVAILABLE,
            "Cannot invite anybody yet: no member has an address that another machine could reach",
          );
        }
        const { invitation, secret } = await invitations.make(request, caller);
        const token = formatToken({
          role: invitation.role,
          invitation: invitation.id,
          secret,
          fingerprint: new Uint8Array(
            createHash("sha256").update(options.authority).digest(),
          ),
          endpoints: found,
        });
        return { token, invitation };
      });
    },

    invitations: async (_request, caller) => ({
      invitations: await invitations.usable(caller),
    }),

    revokeInvitation: async ({ id }, caller) =>
      await asService(async () => {
        await invitations.revoke(id, caller);
        return {};
      }),

    async nodes(_request, caller) {
      const list = await listWithLeader(caller);
      const { records, current } = await allNodes(list, caller);
      return {
        current,
        nodes: records.map((record) => {
          const heard = sessions.last(record.id);
          return {
            ...toClusterNode(record),
            ...heard &&
              { lastSeen: new Date(Date.now() - heard.ago).toISOString() },
            state: stateOf(record, list),
            self: record.id === self,
          };
        }),
      };
    },

    remove: ({ node }, caller) =>
      asServiceStream(departures.remove(node, caller)),

    setRole: ({ node, role }, caller) =>
      asServiceStream(
        role === "worker"
          ? departures.demote(node, caller)
          : promote(node, caller),
      ),
  };
}

async function asService<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    throw toServiceError(error);
  }
}

async function* asServiceStream<T>(
  items: AsyncIterable<T>,
): AsyncGenerator<T, void, void> {
  try {
    yield* items;
  } catch (error) {
    throw toServiceError(error);
  }
}
