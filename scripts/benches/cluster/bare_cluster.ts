import { createAuthority } from "../../../plugins/ca/authority.ts";
import type { PeerMember } from "../../../plugins/consensus/etcd_flags.ts";
import type { Host } from "../../../tests/cluster/support/host.ts";
import { type BareEtcd, EtcdGround } from "../bare_etcd.ts";

/** An etcd of a cluster, and what starts it again. */
export interface BareMember {
  readonly ground: EtcdGround;
  etcd: BareEtcd;
}

/**
 * Prepares one etcd for each host, all of one authority.
 *
 * @param folder An empty folder.
 * @param hosts The hosts.
 * @returns What they need but their data, in the same order.
 */
export async function bareGrounds(
  folder: string,
  hosts: readonly Host[],
): Promise<EtcdGround[]> {
  const { authority } = await createAuthority("peer");
  return await Promise.all(
    hosts.map((host) =>
      EtcdGround.prepare(`${folder}/${host.name}`, {
        authority,
        address: host.address,
        enter: (...command) => host.enter(...command),
      })
    ),
  );
}

/**
 * Starts a cluster of etcds by themselves.
 *
 * @param grounds Where.
 * @returns Its members, in the same order, once they serve.
 */
export async function startBareCluster(
  grounds: readonly EtcdGround[],
): Promise<BareMember[]> {
  return await Promise.all(grounds.map(async (ground) => ({
    ground,
    etcd: await ground.start("new", othersOf(ground, grounds)),
  })));
}

/** Ends it in order. */
export async function stopBareCluster(
  members: readonly BareMember[],
): Promise<void> {
  await Promise.all(members.map(({ etcd }) => etcd.stop()));
}

/**
 * Tells the leader from the other members.
 *
 * @param members All members.
 * @returns The leader.
 */
export async function bareLeaderOf<T extends BareMember>(
  members: readonly T[],
): Promise<T> {
  for (const member of members) {
    const { leader, header } = await member.etcd.client.maintenance.status();
    if (leader === header.member_id) return member;
  }
  throw new Error("Nobody leads");
}

/**
 * Says whom a member is told of.
 *
 * @param ground The member's.
 * @param grounds All members'.
 * @returns The others.
 */
export function othersOf(
  ground: EtcdGround,
  grounds: readonly EtcdGround[],
): PeerMember[] {
  return grounds.filter((one) => one !== ground).map(({ member }) => member);
}
