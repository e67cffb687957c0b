import assert from "node:assert/strict";
import { cluster, type Logger, type Member } from "../../../mod.ts";
import { promoteLearners } from "../../../plugins/autopromoter/promote_learners.ts";
import {
  type EtcdNode,
  nodeFolders,
  startEtcdNode,
} from "../consensus/node.ts";
import { startLearner } from "./second_etcd.ts";

async function learnerOf(started: EtcdNode): Promise<Member | undefined> {
  const client = await started.node.use(cluster, new AbortController().signal);
  const { members } = await client.members({});
  return members.find(({ name }) => name === "learner");
}

/** Looks until the learner is as wanted, for half a minute at the most. */
async function until(
  started: EtcdNode,
  wanted: (learner: Member) => boolean,
): Promise<void> {
  const patience = AbortSignal.timeout(30_000);
  for (;;) {
    const learner = await learnerOf(started);
    if (learner && wanted(learner)) return;
    if (patience.aborted) assert.fail(started.log.join(""));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("autopromoter gives a learner that caught up a vote, and says so once", async () => {
  await using folders = await nodeFolders();
  await using started = await startEtcdNode(folders);
  await started.node.ready;
  await using _learner = await startLearner(started, folders);
  await until(started, (member) => !member.learner);
  // It has to hear of what etcd did.
  let lines: string[] = [];
  await until(started, () => {
    lines = started.log.filter((line) => line.includes("Promoted"));
    return lines.length > 0;
  });
  assert.equal(lines.length, 1);
  assert.match(lines.join(), /Promoted member ."learner." \([0-9a-f]+\)/);
  // While there still is a quorum: without one, etcd takes its time to end.
  await started.node.stop();
});

Deno.test("autopromoter leaves a learner alone that died, though etcd would promote it", async () => {
  await using folders = await nodeFolders();
  await using started = await startEtcdNode(folders, {
    plugins: ["ca", "consensus", "crl"],
  });
  await started.node.ready;
  const learner = await startLearner(started, folders);
  const client = await started.node.use(cluster, new AbortController().signal);
  // It is heard, and etcd knows that it has all data.
  await until(started, ({ heardAgo }) => heardAgo !== undefined);
  await learner[Symbol.asyncDispose]();
  await until(started, ({ heardAgo = 0 }) => heardAgo >= 1_000);

  const promoted: string[] = [];
  const log = { ...silent, info: (line: string) => promoted.push(line) };
  for (let look = 0; look < 8; look++) {
    await promoteLearners(client, log, new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.deepEqual(promoted, []);
  const member = await learnerOf(started);
  assert.ok(member?.learner);
  await client.promote({ id: member.id });
  // The quorum is lost now, and etcd would take its time to end.
  Deno.kill(await started.etcdPid(), "SIGKILL");
});

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
