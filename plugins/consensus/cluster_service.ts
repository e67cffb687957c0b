import {
  type cluster,
  type Implementation,
  type Member,
  ServiceError,
} from "hamlet";
import { readAlarms } from "./alarms.ts";
import type { KnownClusterVersion } from "./cluster_version.ts";
import { delay } from "./delay.ts";
import { isUnhealthy } from "./etcd_error.ts";
import type { EtcdLink } from "./etcd_link.ts";
import { type EtcdVersion, formatVersion, warningOf } from "./etcd_version.ts";
import { toDecimal, toHex } from "./member_id.ts";
import type { ListedMembers } from "./listed_members.ts";
import type { PeerTraffic } from "./peer_traffic.ts";
import type { RememberedMembers } from "./remembered_members.ts";

/** Options of {@linkcode createCluster}. */
export interface ClusterOptions {
  /** The way to etcd. */
  readonly link: EtcdLink;
  /** What it says of the members. */
  readonly listed: ListedMembers;
  /** What etcd hears from its peers. */
  readonly traffic: PeerTraffic;
  readonly version: EtcdVersion;
  /** What the members have agreed on. */
  readonly known: KnownClusterVersion;
  /** Who is told of while etcd does not answer. */
  readonly remembered: RememberedMembers;
  /** Milliseconds for which etcd runs and has not answered; 0 if it has, undefined if it does not run. */
  silentFor(): number | undefined;
  /** Starts etcd again as the only member. */
  forceNewCluster(): void;
}

/**
 * Makes the `cluster` service out of this node's etcd, which answers for itself: also while there is
 * no majority.
 *
 * @param options See {@linkcode ClusterOptions}.
 * @returns The service.
 */
export function createCluster(
  options: ClusterOptions,
): Implementation<typeof cluster> {
  const { link, listed, traffic, version, known, remembered, silentFor } =
    options;

  async function connect() {
    const deadline = Date.now() + link.deadline;
    return { client: await link.client(deadline), options: { deadline } };
  }

  return {
    async members() {
      const { list: last } = remembered;
      if (silentFor() !== 0 && last.length > 0) return { members: last };
      const { client, options } = await connect();
      const { status, members: all } = await listed.look(client, options);
      if (status.isLearner) {
        throw new ServiceError(
          "unavailable",
          "This member has no vote yet, and tells of the others once it has",
        );
      }
      // etcd takes a few milliseconds to tell, and only a promotion has to know it as it is now.
      const learners = all.some(({ isLearner }) => isLearner);
      if (all.length > 1) await traffic.look(learners ? 0 : FRESH);
      const members = all.map((member): Member => {
        const id = toHex(member.ID);
        const self = member.ID === status.header.member_id;
        const heardAgo = self ? 0 : traffic.heardAgo(id);
        const reachable = self || traffic.reachable(id);
        return {
          id,
          name: member.name,
          peerURLs: member.peerURLs,
          learner: member.isLearner,
          leader: member.ID === status.leader,
          self,
          reachable,
          ...(learners && heardAgo !== undefined ? { heardAgo } : {}),
        };
      });
      await remembered.update(members);
      return { members };
    },

    async *watch(_, { signal }) {
      for await (const _found of listed.found.watch(signal)) yield {};
    },

    async status() {
      if (silentFor() !== 0) {
        throw new ServiceError("unavailable", "etcd does not answer yet");
      }
      const { client, options } = await connect();
      const { dbSize, errors } = await client.maintenance.status(options);
      const warning = warningOf(version);
      return {
        version: formatVersion(version),
        ...(warning === undefined ? {} : { warning }),
        dbSize: Number(dbSize),
        alarms: readAlarms(errors),
      };
    },

    async promote({ id }) {
      const ID = memberId(id);
      const { client, options } = await connect();
      await client.cluster.memberPromote({ ID }, options);
      return {};
    },

    async addLearner({ peerURL, version }) {
      if (version !== undefined) known.admit(version);
      const { client, options } = await connect();
      const { member, members, header } = await client.cluster.memberAdd({
        peerURLs: [peerURL],
        isLearner: true,
      }, options);
      return {
        id: toHex(member.ID),
        members: members.map((one): Member => ({
          id: toHex(one.ID),
          name: one.name,
          peerURLs: one.peerURLs,
          learner: one.isLearner,
          leader: false,
          self: one.ID === header.member_id,
          reachable: one.ID === header.member_id ||
            traffic.reachable(toHex(one.ID)),
        })),
      };
    },

    async remove({ id }, { signal }) {
      const ID = memberId(id);
      for (const until = Date.now() + SETTLING;;) {
        const { client, options } = await connect();
        try {
          await client.cluster.memberRemove({ ID }, options);
          return {};
        } catch (error) {
          if (!isUnhealthy(error) || Date.now() > until) throw error;
        }
        await delay(PAUSE, signal);
        signal.throwIfAborted();
      }
    },

    async update({ id, peerURL }) {
      const ID = memberId(id);
      const { client, options } = await connect();
      const { members } = await client.cluster.memberList(
        { linearizable: true },
        options,
      );
      if (members.some((one) => one.ID === ID && one.isLearner)) {
        throw new ServiceError(
          "failed-precondition",
          `Cannot update the peer URL of member "${id}": it is a learner, which etcd would count as a voter from then on; remove it and add it again`,
        );
      }
      await client.cluster.memberUpdate({ ID, peerURLs: [peerURL] }, options);
      return {};
    },

    async moveLeader({ to }) {
      const targetID = memberId(to);
      const { client, options } = await connect();
      await client.maintenance.moveLeader({ targetID }, options);
      return {};
    },

    async recover() {
      const silent = silentFor();
      if (silent === undefined || silent > 0 && silent < LEADERLESS) {
        throw new ServiceError(
          "unavailable",
          "etcd is just being started: wait whether it finds the others",
        );
      }
      // It does not answer before there is a leader.
      if (silent > 0) {
        options.forceNewCluster();
        return {};
      }
      const { client, options: call } = await connect();
      const status = await client.maintenance.status(call);
      if (status.isLearner || status.leader !== "0") {
        throw new ServiceError(
          "failed-precondition",
          status.isLearner
            ? "Cannot recover from this member: it is a learner, which may not have all data; recover from one with a vote"
            : "Cannot recover: the cluster has a leader, so its majority is not lost; take single nodes out with `hamlet remove`",
        );
      }
      options.forceNewCluster();
      return {};
    },
  };
}

/**
 * Milliseconds for which etcd may take a cluster for unhealthy that is not: it counts on a peer only
 * once that has been connected for 5 s.
 */
const SETTLING = 10_000;
/** Milliseconds in which an etcd that is started finds the leader, if there is one. */
const LEADERLESS = 10_000;
/** Milliseconds between two tries. */
const PAUSE = 250;
/** Milliseconds after which to look anew what etcd hears from its peers. */
const FRESH = 1_000;

/** Reads a member's ID, as it was given. */
function memberId(id: string): string {
  if (/^[0-9a-f]{1,16}$/.test(id)) return toDecimal(id);
  throw new ServiceError(
    "invalid-argument",
    `"${id}" is no member: an ID is 1 to 16 hex digits`,
  );
}
