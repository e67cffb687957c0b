/**
 * How long nothing can be written after the leader of three members was killed, next to three etcds by themselves with
 * the same flags on the same hosts. Writes go by way of another member: for Hamlet over its admin socket to the service
 * `kv`, for etcd over its own socket. Which member is first to stand for election is etcd's chance, within 1 to 2 s.
 */
import { kv } from "../../runtime/services/kv.ts";
import { members } from "../../tests/cluster/support/grow.ts";
import type { Host } from "../../tests/cluster/support/host.ts";
import { Lab } from "../../tests/cluster/support/lab.ts";
import { leaderOf } from "../../tests/cluster/support/leader.ts";
import { tempFolder } from "../../tests/support/temp.ts";
import {
  bareGrounds,
  bareLeaderOf,
  type BareMember,
  startBareCluster,
  stopBareCluster,
} from "./cluster/bare_cluster.ts";
import { nextWrite } from "./cluster/next_write.ts";
import { ended, etcdOf } from "./proc.ts";
import { report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { median } from "./statistics.ts";

/** Kills the leader, measures, and lets it come back. */
async function withoutLeader(hosts: readonly Host[]): Promise<number> {
  const leader = await leaderOf(hosts);
  const other = otherThan(leader, hosts);
  const value = new Uint8Array(100);
  const etcd = await etcdOf(leader.node.pid);
  const elapsed = await nextWrite(
    async () => {
      await leader.node.kill();
      await ended(etcd);
    },
    () => other.client.call(kv, "put", { key: "/bench", value }),
  );
  await leader.start().ready();
  return elapsed;
}

/** The same with etcd alone. */
async function withoutBareLeader(
  members: readonly BareMember[],
): Promise<number> {
  const leader = await bareLeaderOf(members);
  const other = otherThan(leader, members);
  const elapsed = await nextWrite(
    () => leader.etcd.kill(),
    () => other.etcd.write(),
  );
  leader.etcd = await leader.ground.start("new");
  return elapsed;
}

function otherThan<T>(one: T, all: readonly T[]): T {
  const other = all.find((each) => each !== one);
  if (other === undefined) throw new Error("There is nobody else");
  return other;
}

const count = rounds();
await using lab = await Lab.open();
await using folder = await tempFolder();
const hosts = await members(lab, "one", "two", "three");
const bare = await startBareCluster(await bareGrounds(folder.path, hosts));
const node: number[] = [];
const etcd: number[] = [];
for (let round = 0; round < count; round += 1) {
  etcd.push(await withoutBareLeader(bare));
  node.push(await withoutLeader(hosts));
}
await stopBareCluster(bare);
for (const host of hosts) await host.node.stop();

report("failover", [
  {
    name: "leader killed to the next write with etcd alone",
    unit: "ms",
    values: etcd,
  },
  {
    name: "leader killed to the next write with kv",
    unit: "ms",
    values: node,
    aim: { atMost: 2_500 },
  },
  {
    name: "kv over etcd, of the medians",
    unit: "",
    values: [median(node) / median(etcd)],
  },
]);
