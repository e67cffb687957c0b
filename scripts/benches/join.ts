/**
 * How long a machine takes to become the third member, from `run --join` until it has a vote; next to etcd by itself,
 * which is added, started and promoted as soon as etcd accepts that.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connectEtcd } from "../../plugins/consensus/etcd_client.ts";
import { invite, members } from "../../tests/cluster/support/grow.ts";
import type { Host } from "../../tests/cluster/support/host.ts";
import { Lab } from "../../tests/cluster/support/lab.ts";
import { tempFolder } from "../../tests/support/temp.ts";
import type { EtcdGround } from "./bare_etcd.ts";
import {
  bareGrounds,
  bareLeaderOf,
  type BareMember,
  othersOf,
  startBareCluster,
  stopBareCluster,
} from "./cluster/bare_cluster.ts";
import { poll } from "./cluster/poll.ts";
import { report } from "./report.ts";
import { rounds } from "./rounds.ts";

/** Milliseconds for which etcd refuses a change of its members after one of them was connected: not what is measured. */
const SETTLING = 6_000;

/** What a join took, milliseconds. */
interface Times {
  /** From its begin until the member has a vote. */
  readonly whole: number;
  /** The part of it in which the member was a learner. */
  readonly learner: number;
}

/** Joins, and leaves again. */
async function join(founder: Host, host: Host): Promise<Times> {
  const token = await invite(founder, "member");
  using etcd = await connectEtcd(`${founder.run}/consensus/client.sock:0`);
  const find = async (isLearner: boolean) => {
    const { members } = await etcd.cluster.memberList({ linearizable: false });
    return members.find((member) =>
      member.isLearner === isLearner &&
      member.peerURLs.some((url) => url.includes(`//${host.address}:`))
    );
  };
  await delay(SETTLING);
  const begin = performance.now();
  const node = await host.join(token);
  await poll(() => find(true));
  const added = performance.now();
  await poll(() => find(false));
  const promoted = performance.now();
  await node.ready();
  await node.stop();
  await founder.hamlet("remove", host.name);
  await host.reset();
  return { whole: promoted - begin, learner: promoted - added };
}

/** The same with etcd alone. */
async function joinBare(
  members: readonly BareMember[],
  ground: EtcdGround,
): Promise<Times> {
  const { client } = (await bareLeaderOf(members)).etcd;
  await delay(SETTLING);
  const begin = performance.now();
  const { member } = await client.cluster.memberAdd({
    peerURLs: [ground.member.peerURL],
    isLearner: true,
  });
  const added = performance.now();
  const starting = ground.start(
    "existing",
    othersOf(ground, members.map(({ ground }) => ground)),
  );
  await poll(() => client.cluster.memberPromote({ ID: member.ID }));
  const promoted = performance.now();
  const etcd = await starting;
  await delay(SETTLING);
  await client.cluster.memberRemove({ ID: member.ID });
  await etcd.stop();
  await ground.empty();
  return { whole: promoted - begin, learner: promoted - added };
}

const count = rounds();
await using lab = await Lab.open();
await using folder = await tempFolder();
const [one, two] = await members(lab, "one", "two");
const three = await lab.host("three");
const [third, ...grounds] = await bareGrounds(folder.path, [three, one, two]);
if (third === undefined) throw new Error("There is no third host");
const bare = await startBareCluster(grounds);
const node: Times[] = [];
const etcd: Times[] = [];
for (let round = 0; round < count; round += 1) {
  etcd.push(await joinBare(bare, third));
  node.push(await join(one, three));
}
await stopBareCluster(bare);
for (const host of [one, two]) await host.node.stop();

report("join", [
  {
    name: "etcd alone, member add to promoted",
    unit: "ms",
    values: etcd.map(({ whole }) => whole),
  },
  {
    name: "run --join to promoted",
    unit: "ms",
    values: node.map(({ whole }) => whole),
    aim: { atMost: 5_000 },
  },
  {
    name: "a learner until etcd accepts the promotion",
    unit: "ms",
    values: etcd.map(({ learner }) => learner),
  },
  {
    name: "a learner until it is promoted",
    unit: "ms",
    values: node.map(({ learner }) => learner),
  },
  {
    name: "promoted after etcd would have accepted it",
    unit: "ms",
    values: node.map(({ learner }, round) =>
      learner - (etcd[round]?.learner ?? NaN)
    ),
    aim: { atMost: 1_000 },
  },
]);
