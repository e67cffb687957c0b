import assert from "node:assert/strict";
import { cluster, kv, type Member, membership } from "../../../mod.ts";
import type { NodeStatus } from "../../../runtime/status.ts";
import type { Role } from "../../../runtime/services/nodes.ts";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";
import { machine, type NodeProcess, withVoters } from "./cluster.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function invite(node: NodeProcess, role: Role): Promise<string> {
  const { token } = await node.client.call(membership, "invite", {
    role,
    ttl: 600,
    uses: 5,
  });
  return token;
}

const at = (address: string) => ["--listen", address, "--advertise", address];

Deno.test("a second and a third member join, and know what the first has written", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using three = await machine("three");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  await first.client.call(kv, "put", { key: "/test", value: bytes("1") });
  const token = await invite(first, "member");
  await using second = two.start("--join", token, ...at("127.0.0.2"));
  await second.status(withVoters(2));
  await using third = three.start("--join", token, ...at("127.0.0.3"));
  await third.status(withVoters(3));
  const { kvs } = await third.client.call(kv, "range", { key: "/test" });
  assert.deepEqual(kvs[0]?.value, bytes("1"));
});

Deno.test("a join killed at any step goes on at the next start", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  const join = ["--join", await invite(first, "member"), ...at("127.0.0.2")];
  for (
    const failpoint of [
      `before rename ${two.data}/etcd/peer-pki/cert.pem`,
      `after rename ${two.data}/ca/seal.key`,
      `after rename ${two.data}/etcd/joining`,
      "after adding the member",
      "before etcd starts",
      "after etcd started",
      `before rename ${two.data}/etcd/bootstrapped`,
      `after rename ${two.data}/etcd/bootstrapped`,
    ]
  ) {
    await using killed = two.startTo(failpoint, ...join);
    const late = setTimeout(() => void killed.kill(), 30_000);
    await killed.ended;
    clearTimeout(late);
    assert.doesNotMatch(killed.log(), /"level":"error"/, failpoint);
  }
  await using second = two.start(...at("127.0.0.2"));
  const { members } = await second.status(withVoters(2));
  assert.equal(members.length, 2);
});

Deno.test("a member that joins begins anew when its data is gone or damaged", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using first = one.start(
    ...["--new-cluster", "--plugins", "ca,consensus,crl,network,curator"],
    ...at("127.0.0.1"),
  );
  await first.status(withVoters(1));
  const join = ["--join", await invite(first, "member"), ...at("127.0.0.2")];
  const isLearner = ({ plugins }: NodeStatus) =>
    plugins.some(({ reason }) => reason?.startsWith("learner, waiting"));
  const data = `${two.data}/etcd/data/member`;
  const ids = new Set<string>();
  for (
    const harm of [
      () => Deno.remove(data, { recursive: true }),
      async () => {
        for await (const { name } of Deno.readDir(`${data}/wal`)) {
          await Deno.writeTextFile(`${data}/wal/${name}`, "This is no log");
        }
      },
    ]
  ) {
    await using learner = two.start(...join);
    await learner.status(isLearner);
    ids.add((await learnerOf(first)).id);
    await learner.kill();
    await harm();
  }
  await using second = two.start(...at("127.0.0.2"));
  await second.status(isLearner);
  const { id } = await learnerOf(first);
  assert.equal(ids.add(id).size, 3, "A member ID is never used again");
  await first.client.call(cluster, "promote", { id });
  await second.status(withVoters(2));
});

Deno.test("a learner that runs and is not promoted in time is removed, and joins again by itself", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using folder = await tempFolder();
  const config = `${folder.path}/config.json`;
  await Deno.writeTextFile(
    config,
    `{"plugins": {"curator": {"joinTimeout": 10, "trustedAddresses": ["127.0.0.0/8"]}}}`,
  );
  // Without the plugin that promotes.
  await using first = one.start(
    ...["--new-cluster", "--plugins", "ca,consensus,crl,network,curator"],
    ...["--config", config, ...at("127.0.0.1")],
  );
  await first.status(withVoters(1));
  await using second = two.start(
    ...["--join", await invite(first, "member"), ...at("127.0.0.2")],
  );
  const isLearner = ({ members }: NodeStatus) =>
    members.some(({ learner }) => learner);
  await first.status(isLearner);
  const { id } = await learnerOf(first);
  const { members } = await first.status(({ members }) =>
    members.some((one) => one.learner && one.id !== id)
  );
  assert.equal(members.length, 2);
  assert.match(first.log(), /Removes learner .*may join again/);
  for (;;) {
    // It is as likely to run as not when it is looked at, and removed again where it takes too long.
    await first.status(isLearner);
    try {
      const again = await learnerOf(first);
      await first.client.call(cluster, "promote", { id: again.id });
      break;
    } catch (error) {
      assert.match(
        String(error),
        /not ready|in sync|can only promote|not found|no learner/i,
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await second.status(withVoters(2));
});

async function learnerOf({ client }: NodeProcess): Promise<Member> {
  const { members } = await client.call(cluster, "members", {});
  const learner = members.find(({ learner }) => learner);
  assert.ok(learner, "There is no learner");
  return learner;
}

Deno.test("members that are elsewhere are found there, one after another", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using three = await machine("three");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  const token = await invite(first, "member");
  await using second = two.start("--join", token, ...at("127.0.0.2"));
  await second.status(withVoters(2));
  await using third = three.start("--join", token, ...at("127.0.0.3"));
  await third.status(withVoters(3));
  const urls = ({ members }: NodeStatus) =>
    members.flatMap(({ peerURLs }) => peerURLs).map((url) =>
      new URL(url).hostname
    ).sort().join();
  await third.stop();
  await using third2 = three.start(...at("127.0.0.13"));
  await third2.status((status) =>
    withVoters(3)(status) && urls(status) === "127.0.0.1,127.0.0.13,127.0.0.2"
  );
  await first.stop();
  await using first2 = one.start(...at("127.0.0.11"));
  await first2.status((status) =>
    withVoters(3)(status) && urls(status) === "127.0.0.11,127.0.0.13,127.0.0.2"
  );
  await second.stop();
  await using second2 = two.start(...at("127.0.0.12"));
  for (const node of [first2, second2, third2]) {
    await node.status((status) =>
      withVoters(3)(status) &&
      urls(status) === "127.0.0.11,127.0.0.12,127.0.0.13" &&
      status.members.every(({ reachable }) => reachable)
    );
  }
  const { stdout } = await run("openssl", [
    ...["x509", "-noout", "-ext", "subjectAltName"],
    ...["-in", `${two.data}/etcd/peer-pki/cert.pem`],
  ]);
  assert.match(stdout, /127\.0\.0\.12/);
});

Deno.test("one member goes on alone when the majority is lost, and only then", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  await first.client.call(kv, "put", { key: "/test", value: bytes("1") });
  {
    await using second = two.start(
      ...["--join", await invite(first, "member"), ...at("127.0.0.2")],
    );
    await second.status(withVoters(2));
    const { warnings } = await first.status(withVoters(2));
    assert.match(warnings.join(), /two members/);
    await assert.rejects(
      () => first.client.call(cluster, "recover", {}),
      /has a leader/,
    );
  }
  const alone = await first.status(({ ready, members }) =>
    !ready && members.length === 2 && !members.some(({ leader }) => leader)
  );
  assert.match(alone.warnings.join(), /have no leader/);
  await first.kill();
  await using again = one.start(...at("127.0.0.1"));
  await again.status(({ members }) => members.length === 2);
  for (;;) {
    try {
      await again.client.call(cluster, "recover", {});
      break;
    } catch (error) {
      // It could still find the others.
      assert.match(String(error), /just being started/);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  const { members } = await again.status(withVoters(1));
  assert.equal(members.length, 1);
  const { kvs } = await again.client.call(kv, "range", { key: "/test" });
  assert.deepEqual(kvs[0]?.value, bytes("1"));
});

Deno.test("a node that is removed says so, and does not start again", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  await using second = two.start(
    ...["--join", await invite(first, "member"), ...at("127.0.0.2")],
  );
  await second.status(withVoters(2));
  const steps = first.client.stream(
    membership,
    "remove",
    { node: "two" },
    new AbortController().signal,
  );
  for await (const { step } of steps) assert.ok(step);
  const { ready, warnings } = await second.status(({ plugins }) =>
    !plugins.some(({ name }) => name === "consensus")
  );
  assert.equal(ready, false);
  assert.match(warnings.join(), /removed this node .*hamlet reset/);
  await second.stop();
  await using again = two.start(...at("127.0.0.2"));
  assert.equal(await again.ended, 2);
  assert.match(again.log(), /has removed it .*hamlet reset/);
  await first.status(withVoters(1));
});

Deno.test("a worker becomes a member and a worker again, and keeps nothing of a member", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  await using second = two.start(
    ...["--join", await invite(first, "worker"), ...at("127.0.0.2")],
  );
  await second.status(({ ready, node }) => ready && node.role === "worker");
  const change = async (role: Role) => {
    const steps = first.client.stream(
      membership,
      "setRole",
      { node: "two", role },
      new AbortController().signal,
    );
    for await (const { step } of steps) assert.ok(step);
    await second.status(({ ready, node }) => ready && node.role === role);
  };
  for (let round = 0; round < 2; round++) {
    await change("member");
    await second.status(withVoters(2));
    await Deno.stat(`${two.data}/ca/seal.key`);
    await change("worker");
    await first.status(withVoters(1));
    await assert.rejects(Deno.stat(`${two.data}/ca/seal.key`));
    await assert.rejects(Deno.stat(`${two.data}/etcd/data`));
  }
});

Deno.test("a member without a majority starts, says what it waits for, and goes on by itself", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  const join = ["--join", await invite(first, "member"), ...at("127.0.0.2")];
  {
    await using second = two.start(...join);
    await second.status(withVoters(2));
    await first.kill();
  }
  await using alone = one.start(...at("127.0.0.1"));
  const { plugins, members } = await alone.status(({ plugins, members }) =>
    members.length === 2 &&
    plugins.some(({ reason }) => reason?.startsWith("etcd has no leader"))
  );
  assert.match(
    plugins.find(({ name }) => name === "ca")?.reason ?? "",
    /not loaded/,
  );
  assert.deepEqual(members.map(({ reachable }) => reachable).sort(), [
    false,
    true,
  ]);
  await using second = two.start(...at("127.0.0.2"));
  await Promise.all([alone, second].map((node) => node.status(withVoters(2))));
  const restarts = (await alone.client.status()).runnables.filter((
    { restarts },
  ) => restarts > 0);
  assert.deepEqual(restarts, [], "Nothing had to die to wait");
});
