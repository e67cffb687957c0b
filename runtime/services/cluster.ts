import { z } from "zod";
import { call, defineService } from "../service/contract.ts";

/** A member of the consensus cluster, as etcd lists it. */
export const Member = z.object({
  /** etcd's 64-bit member ID, as 16 hex digits or fewer, as etcdctl prints it. */
  id: z.string().regex(/^[0-9a-f]{1,16}$/),
  /** The node ID; empty while an added member has not started yet. */
  name: z.string(),
  peerURLs: z.array(z.string()),
  learner: z.boolean(),
  leader: z.boolean(),
  self: z.boolean(),
  /** Whether this node's etcd has a connection to it. */
  reachable: z.boolean(),
  /**
   * Milliseconds, at most, since this node last heard from it over raft. Known while the cluster has
   * a learner, from the second look on at which something had come.
   */
  heardAgo: z.number().nonnegative().optional(),
});
/** A member of the consensus cluster, as etcd lists it. */
export type Member = z.infer<typeof Member>;

/** A condition that etcd raised and keeps until an operator clears it. */
export const Alarm = z.object({
  kind: z.enum(["no-space", "corrupt", "unknown"]),
  memberId: z.string(),
});

/** The consensus cluster this node belongs to. */
export const cluster = defineService({
  name: "cluster",
  scope: z.undefined(),
  methods: {
    /** The members as this node's etcd knows them. */
    members: call(z.strictObject({}), z.object({ members: z.array(Member) })),
    /** What etcd says of itself on this node. */
    status: call(
      z.strictObject({}),
      z.object({
        version: z.string(),
        /** Why this version is known to be risky, where it is. */
        warning: z.string().optional(),
        /** Bytes of the database file. */
        dbSize: z.number(),
        alarms: z.array(Alarm),
      }),
    ),
    /** Makes a learner a voter; etcd refuses with `failed-precondition` until it has caught up. */
    promote: call(z.strictObject({ id: z.string() }), z.object({})),
    /** Adds a learner; `failed-precondition` while etcd takes none: another is there, or a peer is away. */
    addLearner: call(
      z.strictObject({ peerURL: z.string() }),
      z.object({ id: z.string(), members: z.array(Member) }),
    ),
    /** Removes a member; the caller has checked that a majority is left. */
    remove: call(z.strictObject({ id: z.string() }), z.object({})),
    /** Tells the others where a member is now. */
    update: call(
      z.strictObject({ id: z.string(), peerURL: z.string() }),
      z.object({}),
    ),
    /**
     * Makes this node the only member, with the data it has: for a majority that is lost for good.
     * `failed-precondition` on a learner, and while there is a leader.
     */
    recover: call(z.strictObject({}), z.object({})),
    /** Hands the leadership to another voter; only the leader can. */
    moveLeader: call(z.strictObject({ to: z.string() }), z.object({})),
  },
});
