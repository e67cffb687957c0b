import type { Member } from "hamlet";

/**
 * Chooses whom to promote. etcd also promotes a learner that is dead already, after which a cluster
 * of two has no quorum: therefore only those count that are heard.
 *
 * @param members The members as one of them sees them.
 * @returns The learners that it should promote: none unless it leads, since only the leader hears
 * from them all.
 */
export function promotable(members: readonly Member[]): Member[] {
  const leads = members.some(({ self, leader }) => self && leader);
  if (!leads) return [];
  return members.filter(({ learner, heardAgo = Infinity }) =>
    learner && heardAgo < HEARD_WITHIN
  );
}

/** Milliseconds; a learner answers the leader's heartbeat every 100 ms. */
const HEARD_WITHIN = 1_000;
