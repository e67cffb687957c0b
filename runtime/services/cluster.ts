import * as v from "valibot";
import { call, defineService, stream } from "../service/contract.ts";
import { Finite } from "../service/values.ts";

/** A member of the consensus cluster, as etcd lists it. */
export const Member = v.object({
  /** etcd's 64-bit member ID, as 16 hex digits or fewer, as etcdctl prints it. */
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{1,16}$/)),
  /** The node ID; empty while an added member has not started yet. */
  name: v.string(),
  peerURLs: v.array(v.string()),
  learner: v.boolean(),
  leader: v.boolean(),
  self: v.boolean(),
  /** Whether this node's etcd has a connection to it. */
  reachable: v.boolean(),
  /**
   * Milliseconds, at most, since this node last heard from it over raft. Known while the cluster has
   * a learner, from the second look on at which something had come.
   */
  heardAgo: v.optional(v.pipe(Finite, v.minValue(0))),
});
/** A member of the consensus cluster, as etcd lists it. */
export type Member = v.InferOutput<typeof Member>;

/** A condition that etcd raised and keeps until an operator clears it. */
export const Alarm = v.object({
  kind: v.picklist(["no-space", "corrupt", "unknown"]),
  memberId: v.string(),
});

/** The consensus cluster this node belongs to. */
export const cluster = defineService({
  name: "cluster",
  scope: v.undefined(),
  methods: {
    /** The members as this node's etcd knows them. */
    members: call(v.strictObject({}), v.object({ members: v.array(Member) })),
    /** An item at once, and one after each change that `members` tells of: of who they are, their votes, or the leader. */
    watch: stream(v.strictObject({}), v.object({})),
    /** What etcd says of itself on this node. */
    status: call(
      v.strictObject({}),
      v.object({
        version: v.string(),
        /** Why this version is known to be risky, where it is. */
        warning: v.optional(v.string()),
        /** Bytes of the database file. */
        dbSize: Finite,
        alarms: v.array(Alarm),
      }),
    ),
    /** Makes a learner a voter; etcd refuses with `failed-precondition` until it has caught up. */
    promote: call(v.strictObject({ id: v.string() }), v.object({})),
    /**
     * Adds a learner; `failed-precondition` while etcd takes none: another is there, or a peer is away.
     * `invalid-argument` if the members cannot work with an etcd of its `version`, such as `3.4.23`.
     */
    addLearner: call(
      v.strictObject({ peerURL: v.string(), version: v.optional(v.string()) }),
      v.object({ id: v.string(), members: v.array(Member) }),
    ),
    /** Removes a member; the caller has checked that a majority is left. */
    remove: call(v.strictObject({ id: v.string() }), v.object({})),
    /** Tells the others where a member is now. */
    update: call(
      v.strictObject({ id: v.string(), peerURL: v.string() }),
      v.object({}),
    ),
    /**
     * Makes this node the only member, with the data it has: for a majority that is lost for good.
     * `failed-precondition` on a learner, and while there is a leader.
     */
    recover: call(v.strictObject({}), v.object({})),
    /** Hands the leadership to another voter; only the leader can. */
    moveLeader: call(v.strictObject({ to: v.string() }), v.object({})),
  },
});
