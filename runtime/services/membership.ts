import { z } from "zod";
import { call, defineService, stream } from "../service/contract.ts";
import { ClusterNode, Role } from "./nodes.ts";

/** An invitation that was made and is neither used up nor expired nor revoked. */
export const Invitation = z.object({
  /** Public: names it in lists; not the secret. */
  id: z.string(),
  role: Role,
  /** ISO 8601. */
  expiresAt: z.string(),
  usesLeft: z.int(),
  /** IDs of the nodes that joined with it. */
  usedBy: z.array(z.string()),
});
/** An invitation that may be used. */
export type Invitation = z.infer<typeof Invitation>;

/**
 * The certificate of an operator, by the cluster authority, and its private key; both PEM. With it any
 * node asks a member; without it a member does it itself, and a worker may not.
 */
export const OperatorCredentials = z.strictObject({
  certificate: z.instanceof(Uint8Array),
  /** Bytes, of which a log shows the number. */
  key: z.instanceof(Uint8Array),
});
/** The certificate of an operator, and its private key. */
export type OperatorCredentials = z.infer<typeof OperatorCredentials>;

const operator = OperatorCredentials.optional();

/** Who belongs to the cluster: for operators, on any node. */
export const membership = defineService({
  name: "membership",
  scope: z.undefined(),
  methods: {
    /** Makes an invitation; the token is in no other place, etcd holds a hash of its secret. */
    invite: call(
      z.strictObject({
        role: Role,
        /** Seconds. */
        ttl: z.int().min(10).max(30 * 86400),
        uses: z.int().min(1).max(1000),
        operator,
      }),
      z.object({ token: z.string(), invitation: Invitation }),
    ),
    /** The invitations that may still be used. */
    invitations: call(
      z.strictObject({ operator }),
      z.object({ invitations: z.array(Invitation) }),
    ),
    /** Makes an invitation useless. */
    revokeInvitation: call(
      z.strictObject({ id: z.string(), operator }),
      z.object({}),
    ),
    /** Every node, with how it is. */
    nodes: call(
      z.strictObject({}),
      z.object({
        nodes: z.array(ClusterNode.extend({
          state: z.enum(["ready", "learner", "not-seen", "joining"]),
          self: z.boolean(),
        })),
      }),
    ),
    /** Takes a node out, by ID or unique name; says each step as it is done. */
    remove: stream(
      z.strictObject({ node: z.string(), operator }),
      z.object({ step: z.string(), done: z.boolean() }),
    ),
    /** Makes a worker a member or a member a worker, online. */
    setRole: stream(
      z.strictObject({ node: z.string(), role: Role, operator }),
      z.object({ step: z.string(), done: z.boolean() }),
    ),
  },
});
