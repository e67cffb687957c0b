import { createPrivateKey, X509Certificate } from "node:crypto";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type CallOptions,
  type Implementation,
  type membership,
  type OperatorCredentials,
  ServiceError,
} from "hamlet";
import {
  type Invitation,
  type ListNodesResponse,
  NodeState,
} from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { toServiceError } from "../grpc/to_service_error.ts";
import { fromRecordRole, toRecordRole } from "../roles.ts";
import type { AskMembersOptions } from "./ask_members.ts";
import { connectAs, type MemberConnection } from "./member_connection.ts";
import { describeFailure } from "./refusal.ts";
import { shuffled } from "./shuffled.ts";

/** Milliseconds that a member may take to show that it is there. */
const TIMEOUT_MS = 5_000;

type Members = MemberConnection["membership"];

/**
 * Answers operators on this node by asking a member.
 *
 * @param operator As whom it is asked; as this node itself where there is none.
 * @param options Whom to ask.
 * @returns The service.
 * @throws {ServiceError} `invalid-argument` if the credentials are none.
 */
export function remoteMembership(
  operator: OperatorCredentials | undefined,
  options: AskMembersOptions,
): Implementation<typeof membership> {
  const as = operator && readOperator(operator);

  function stream<T>(
    call: (members: Members, options: CallOptions) => AsyncIterable<T>,
    { signal }: { signal: AbortSignal },
    about?: string,
  ) {
    // A member that is to go cannot tell how that ends: the others are asked first.
    const last = options.known.nodes.find(({ id, name }) =>
      id === about || name === about
    )?.id;
    return askOne(call, as, options, signal, last);
  }

  async function once<T>(
    call: (members: Members, options: CallOptions) => Promise<T>,
    caller: { signal: AbortSignal },
  ): Promise<T> {
    const answers = stream(async function* (members, options) {
      yield await call(members, options);
    }, caller);
    for await (const answer of answers) return answer;
    throw new ServiceError("internal", "The member had no answer");
  }

  return {
    async invite({ role, ttl, uses }, caller) {
      const request = { role: toRecordRole(role), ttl, uses };
      const { token, invitation } = await once(
        (members, options) => members.invite(request, options),
        caller,
      );
      if (invitation === undefined) {
        throw new ServiceError("internal", "The member made no invitation");
      }
      return { token, invitation: toInvitation(invitation) };
    },

    async invitations(_request, caller) {
      const { invitations } = await once(
        (members, options) => members.listInvitations({}, options),
        caller,
      );
      return { invitations: invitations.map(toInvitation) };
    },

    async revokeInvitation({ id }, caller) {
      await once(
        (members, options) => members.revokeInvitation({ id }, options),
        caller,
      );
      return {};
    },

    async nodes(_request, caller) {
      let last: ListNodesResponse | undefined;
      const { nodes, stale } = await once(async (members, options) => {
        const found = await members.listNodes({}, options);
        last ??= found;
        if (!found.stale) return found;
        throw new RpcError(Code.UNAVAILABLE, "it has no majority");
      }, caller).catch((error) => {
        // What one of them knew last is better than nothing.
        if (last === undefined) throw error;
        return last;
      });
      return {
        current: !stale,
        nodes: nodes.flatMap(({ node, state, seenAt }) =>
          node === undefined ? [] : [{
            id: node.id,
            name: node.name,
            role: fromRecordRole(node.role),
            addresses: node.addresses,
            ...node.curatorPort > 0 && { curatorPort: node.curatorPort },
            ...seenAt && { lastSeen: toText(seenAt) },
            state: STATES.get(state) ?? "not-seen",
            self: node.id === options.id,
          }]
        ),
      };
    },

    remove: ({ node }, caller) =>
      stream(
        (members, options) => members.remove({ node }, options),
        caller,
        node,
      ),

    setRole: ({ node, role }, caller) =>
      stream(
        (members, options) =>
          members.setRole({ node, role: toRecordRole(role) }, options),
        caller,
        node,
      ),
  };
}

const STATES = new Map<NodeState, "ready" | "learner" | "not-seen" | "joining">(
  [
    [NodeState.READY, "ready"],
    [NodeState.LEARNER, "learner"],
    [NodeState.NOT_SEEN, "not-seen"],
    [NodeState.JOINING, "joining"],
  ],
);

/** Asks one member after another until one is there; what it answers then is what holds. */
async function* askOne<T>(
  call: (members: Members, options: CallOptions) => AsyncIterable<T>,
  as: { readonly key: string; readonly cert: string } | undefined,
  { credentials, known, revocations }: AskMembersOptions,
  signal: AbortSignal,
  last: string | undefined,
): AsyncGenerator<T, void, void> {
  const self = credentials.value;
  if (self === undefined) {
    throw new ServiceError(
      "unavailable",
      "This node is not part of a cluster yet",
    );
  }
  const problems: string[] = [];
  const endpoints = shuffled(known.endpoints)
    .sort((a, b) => Number(a.id === last) - Number(b.id === last));
  for (const endpoint of endpoints) {
    using connection = connectAs(endpoint, { ...self, ...as }, revocations);
    const { membership } = connection;
    let answered = false;
    try {
      // What is asked for may take long; whether anybody is there shows at once.
      await membership.authority({}, { signal, timeout: TIMEOUT_MS });
      for await (const item of call(membership, { signal })) {
        answered = true;
        yield item;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      // One that is cut off from the others can do nothing, and they can.
      if (answered || !isAway(error)) throw toServiceError(error);
      problems.push(`${endpoint.address}: ${describeFailure(error)}`);
    }
  }
  throw new ServiceError(
    "unavailable",
    `No member of the cluster can do that now: ${
      problems.join("; ") || "this node knows none"
    }`,
  );
}

/** Whether another member may answer. */
function isAway(error: unknown): boolean {
  return !(error instanceof RpcError) || error.code === Code.UNAVAILABLE ||
    error.code === Code.DEADLINE_EXCEEDED;
}

function readOperator({ certificate, key }: OperatorCredentials) {
  const text = new TextDecoder();
  const as = { key: text.decode(key), cert: text.decode(certificate) };
  let belongs: boolean;
  try {
    belongs = new X509Certificate(as.cert)
      .checkPrivateKey(createPrivateKey(as.key));
  } catch (cause) {
    throw new ServiceError(
      "invalid-argument",
      "Cannot read the operator's certificate or its key: both are PEM files, as hamlet cert issue writes them",
      { cause },
    );
  }
  if (belongs) return as;
  throw new ServiceError(
    "invalid-argument",
    "The key is not that of the operator's certificate",
  );
}

function toInvitation(
  { id, role, expiresAt, usesLeft, usedBy }: Invitation,
) {
  return {
    id,
    role: fromRecordRole(role),
    expiresAt: expiresAt ? toText(expiresAt) : "",
    usesLeft,
    usedBy,
  };
}

function toText(time: Timestamp): string {
  return timestampDate(time).toISOString();
}
