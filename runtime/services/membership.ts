import * as v from "valibot";
import { call, defineService, stream } from "../service/contract.ts";
import { Bytes, Integer } from "../service/values.ts";
import { ClusterNode, Role } from "./nodes.ts";

/** An invitation that was made and is neither used up nor expired nor revoked. */
export const Invitation = v.object({
  /** Public: names it in lists; not the secret. */
  id: v.string(),
  role: Role,
  /** ISO 8601. */
  expiresAt: v.string(),
  usesLeft: Integer,
  /** IDs of the nodes that joined with it. */
  usedBy: v.array(v.string()),
});
/** An invitation that may be used. */
export type Invitation = v.InferOutput<typeof Invitation>;

/**
 * The certificate of an operator, by the cluster authority, and its private key; both PEM. With it any
 * node asks a member; without it a member does it itself, and a worker may not.
 */
export const OperatorCredentials = v.strictObject({
  certificate: Bytes,
  /** Bytes, of which a log shows the number. */
  key: Bytes,
});
/** The certificate of an operator, and its private key. */
export type OperatorCredentials = v.InferOutput<typeof OperatorCredentials>;

const operator = v.optional(OperatorCredentials);

/** Who belongs to the cluster: for operators, on any node. */
export const membership = defineService({
  name: "membership",
  scope: v.undefined(),
  methods: {
    /** Makes an invitation; the token is in no other place, etcd holds a hash of its secret. */
    invite: call(
      v.strictObject({
        role: Role,
        /** Seconds. */
        ttl: v.pipe(Integer, v.minValue(10), v.maxValue(30 * 86400)),
        uses: v.pipe(Integer, v.minValue(1), v.maxValue(1000)),
        operator,
      }),
      v.object({ token: v.string(), invitation: Invitation }),
    ),
    /** The invitations that may still be used. */
    invitations: call(
      v.strictObject({ operator }),
      v.object({ invitations: v.array(Invitation) }),
    ),
    /** Makes an invitation useless. */
    revokeInvitation: call(
      v.strictObject({ id: v.string(), operator }),
      v.object({}),
    ),
    /** Every node, with how it is. */
    nodes: call(
      v.strictObject({}),
      v.object({
        nodes: v.array(v.object({
          ...ClusterNode.entries,
          state: v.picklist(["ready", "learner", "not-seen", "joining"]),
          self: v.boolean(),
        })),
        /** Whether a majority of the members says so; else it is what those that answer knew last. */
        current: v.boolean(),
      }),
    ),
    /** Takes a node out, by ID or unique name; says each step as it is done. */
    remove: stream(
      v.strictObject({ node: v.string(), operator }),
      v.object({ step: v.string(), done: v.boolean() }),
    ),
    /** Makes a worker a member or a member a worker, online. */
    setRole: stream(
      v.strictObject({ node: v.string(), role: Role, operator }),
      v.object({ step: v.string(), done: v.boolean() }),
    ),
  },
});
