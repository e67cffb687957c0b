import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Caller as ServiceCaller,
  type Implementation,
  type Invitation,
  type Logger,
  membership,
  type Role,
  v,
} from "hamlet";
import {
  type InvitationSchema,
  type Membership,
  NodeState,
} from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import { Role as RecordRole } from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { fromRecordRole, toRecordRole } from "../roles.ts";
import type { Caller } from "./caller.ts";
import type { Handlers } from "./serve_rpc.ts";

/** Options of {@linkcode operatorRpc}. */
export interface OperatorRpcOptions {
  /** What answers operators on this member itself. */
  readonly local: Implementation<typeof membership>;
  /** Where it goes on record who did what. */
  readonly log: Logger;
}

const { invite, setRole } = membership.methods;

/** As every node shows them, by what the service calls them. */
const STATES = {
  "ready": NodeState.READY,
  "learner": NodeState.LEARNER,
  "not-seen": NodeState.NOT_SEEN,
  "joining": NodeState.JOINING,
} as const;

/**
 * Answers operators that ask from another node.
 *
 * @param options See {@linkcode OperatorRpcOptions}.
 */
export function operatorRpc(
  { local, log }: OperatorRpcOptions,
): Pick<
  Handlers<typeof Membership>,
  | "listNodes"
  | "remove"
  | "setRole"
  | "invite"
  | "listInvitations"
  | "revokeInvitation"
> {
  function audit(caller: Caller, what: string): ServiceCaller<undefined> {
    const name = caller.kind === "operator" ? caller.name : caller.kind;
    log.info(`Operator "${name}" (${caller.address}) asked to ${what}`);
    return asService(caller);
  }

  return {
    listNodes: {
      access: "known",
      async handle(_request, caller) {
        const { nodes, current } = await local.nodes({}, asService(caller));
        return {
          stale: !current,
          nodes: nodes.map(({ lastSeen, state, role, ...node }) => ({
            node: {
              id: node.id,
              name: node.name,
              role: toRecordRole(role),
              addresses: node.addresses,
              curatorPort: node.curatorPort ?? 0,
            },
            state: STATES[state],
            ...lastSeen && { seenAt: timestampFromDate(new Date(lastSeen)) },
          })),
        };
      },
    },
    remove: {
      access: "operator",
      handle: ({ node }, caller) =>
        local.remove({ node }, audit(caller, `remove node "${node}"`)),
    },
    setRole: {
      access: "operator",
      handle({ node, role }, caller) {
        const input = read(setRole.input, { node, role: roleOf(role) });
        return local.setRole(
          input,
          audit(caller, `make node "${node}" a ${input.role}`),
        );
      },
    },
    invite: {
      access: "operator",
      async handle({ role, ttl, uses }, caller) {
        const input = read(invite.input, { role: roleOf(role), ttl, uses });
        const { token, invitation } = await local.invite(
          input,
          audit(caller, `invite ${uses} to become a ${input.role}`),
        );
        return { token, invitation: toMessage(invitation) };
      },
    },
    listInvitations: {
      access: "operator",
      async handle(_request, caller) {
        const { invitations } = await local.invitations(
          {},
          asService(caller),
        );
        return { invitations: invitations.map(toMessage) };
      },
    },
    revokeInvitation: {
      access: "operator",
      handle: async ({ id }, caller) =>
        await local.revokeInvitation(
          { id },
          audit(caller, `revoke invitation "${id}"`),
        ),
    },
  };
}

function toMessage(
  { role, expiresAt, ...rest }: Invitation,
): MessageInitShape<typeof InvitationSchema> {
  return {
    ...rest,
    role: toRecordRole(role),
    expiresAt: timestampFromDate(new Date(expiresAt)),
  };
}

/** One that was left out, or that this version does not know, must not be taken for another. */
function roleOf(role: RecordRole): Role | undefined {
  return role === RecordRole.UNSPECIFIED || RecordRole[role] === undefined
    ? undefined
    : fromRecordRole(role);
}

function read<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  throw new RpcError(
    Code.INVALID_ARGUMENT,
    `The request is not what is wanted: ${
      issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)
        .join("; ")
    }`,
  );
}

function asService({ kind, signal }: Caller): ServiceCaller<undefined> {
  return { name: kind, scope: undefined, signal };
}
