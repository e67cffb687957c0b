import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { allResolve, invite, members, nodeNames } from "./support/grow.ts";
import { cluster, membership } from "../../mod.ts";
import { Lab } from "./support/lab.ts";
import { leaderOf } from "./support/leader.ts";
import { until } from "./support/until.ts";
import { read, write } from "./support/writes.ts";

Deno.test("a worker becomes a member and, right after that, a worker again, while it runs", async () => {
  await using lab = await Lab.open();
  const [one, two] = await members(lab, "one", "two");
  const three = await lab.host("three");
  await three.join(await invite(one, "worker"));
  await three.node.ready();

  await one.hamlet("role", "three", "member");
  await three.node.status(({ ready, node, members }) =>
    ready && node.role === "member" && members.length === 3 &&
    members.every(({ learner }) => !learner)
  );
  await write(three, "/test/member", "1");

  // etcd counts its members as unhealthy for some seconds yet.
  await two.hamlet("role", "three", "worker");
  await three.node.status(({ ready, node, members }) =>
    ready && node.role === "worker" && members.length === 0
  );
  for (const path of ["etcd/data", "etcd/peer-pki/key.pem", "ca/seal.key"]) {
    assert(!existsSync(`${three.data}/${path}`), path);
  }
  for (const host of [one, two]) {
    await host.node.status(({ ready, members }) =>
      ready && members.length === 2
    );
  }
  assert.equal(await read(one, "/test/member"), "1");
  await allResolve(lab.hosts);

  // What a node was just before must not be taken for what it is to be.
  for (const role of ["member", "worker"]) {
    await one.hamlet("role", "three", role);
    await three.node.status(({ ready, node }) => ready && node.role === role);
  }
  // It did not start anew for any of that.
  assert(!three.log.includes("(again)"));
});

Deno.test("an operator changes the cluster from a worker with a certificate of its own, and the worker with its own does not", async () => {
  await using lab = await Lab.open();
  const [one] = await members(lab, "one", "two");
  const worker = await lab.host("three");
  await worker.join(await invite(one, "worker"));
  await worker.node.ready();
  const files = `${worker.run}/operator`;
  const as = (name: string) => [
    ...["--cert", `${files}/${name}.pem`],
    ...["--key", `${files}/${name}-key.pem`],
  ];
  // The hosts share their files: nobody has to bring anything.
  await one.hamlet("cert", "issue", "alice", "--out", files);

  await assert.rejects(
    worker.hamlet("remove", "two"),
    /on a member: +hamlet cert issue NAME\nhere: +hamlet remove two --cert NAME\.pem --key NAME-key\.pem/,
  );
  const own = ["--cert", `${worker.data}/identity/cert.pem`].concat(
    ["--key", `${worker.data}/identity/key.pem`],
  );
  await assert.rejects(
    worker.hamlet("remove", "two", ...own),
    /Only an operator may do this/,
  );
  await assert.rejects(
    worker.hamlet("remove", "nobody", ...as("alice")),
    /No node of this cluster has the ID or name "nobody"/,
  );

  assert.match(
    await worker.hamlet("nodes"),
    /one +member +ready[^]*three \(this node\) +worker[^]*two +member +ready/,
  );
  const token = await worker.hamlet("invite", ...as("alice"));
  const four = await lab.host("four");
  await four.join(token.trim());
  await four.node.ready();
  const [, invitation = ""] = token.split(".").slice(1);
  await worker.hamlet("invite", "--uses", "2", ...as("alice"));
  const list = await worker.hamlet("invite", "list", ...as("alice"));
  const [id = ""] = list.split("\n")[1]?.split(" ") ?? [];
  assert.notEqual(id, invitation);
  await worker.hamlet("invite", "revoke", id, ...as("alice"));
  assert(!(await one.hamlet("invite", "list")).includes(id));

  await worker.hamlet("role", "four", "member", ...as("alice"));
  await worker.hamlet("remove", "two", ...as("alice"));
  assert.deepEqual(await nodeNames(worker), ["four", "one", "three"]);
  assert.match(
    one.log + four.log,
    /Operator \\"alice\\" \(10\.77\.0\.3\) asked to/,
  );
  assert.match(worker.log, /Admin called membership\.remove: started/);
  const key = await Deno.readTextFile(`${files}/alice-key.pem`);
  const [, secret = ""] = key.split("\n");
  assert(secret.length > 20 && !worker.log.includes(secret));

  await one.hamlet("cert", "revoke", "alice");
  await assert.rejects(
    worker.hamlet("remove", "four", ...as("alice")),
    /was revoked/,
  );
});

Deno.test("a member that leads takes itself out of the cluster", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
  const leading = await leaderOf(all);
  const others = all.filter((host) => host !== leading);
  await leading.hamlet("remove", leading.name);
  await leading.node.logged(
    /The cluster has removed this node .*hamlet reset/,
  );
  for (const host of others) {
    await host.node.status(({ ready, members }) =>
      ready && members.length === 2
    );
    assert.deepEqual(
      await nodeNames(host),
      others.map(({ name }) => name).sort(),
    );
  }
});

Deno.test("a member is not taken out where the others that answer would be no majority", async () => {
  await using lab = await Lab.open();
  const [one, two, three] = await members(lab, "one", "two", "three");
  await three.node.kill();
  // Who is away shows only after a moment; until then etcd refuses it, in its own words.
  for (const host of [one, two]) {
    await until(`${host.name} misses a member`, async () => {
      const { members } = await host.client.call(cluster, "members", {});
      return members.some(({ reachable }) => !reachable);
    }, host.explain);
  }
  const refusal = /of the 2 that would be left 1 would answer, not "three"/;
  await assert.rejects(one.hamlet("remove", "two"), refusal);
  await assert.rejects(two.hamlet("role", "one", "worker"), refusal);
  assert.deepEqual(await nodeNames(one), ["one", "three", "two"]);
  await write(two, "/test/both", "1");

  // The dead one is what can go.
  await one.hamlet("remove", "three");
  assert.deepEqual(await nodeNames(one), ["one", "two"]);
  await two.node.kill();
  // No majority is left that could write anything down.
  await assert.rejects(one.hamlet("remove", "two"), /hamlet recover/);
});

Deno.test("a removal that etcd refuses comes to nothing, also when etcd would no longer refuse it", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
  const one = await leaderOf(all);
  const [two, three] = all.filter((host) => host !== one);
  assert(two && three);
  await three.node.kill();
  // Right after that etcd alone knows, and says so only once it has been asked: at once, without a command's start.
  const { signal } = new AbortController();
  const steps = one.client.stream(
    membership,
    "remove",
    { node: two.name },
    signal,
  );
  await assert.rejects(
    Array.fromAsync(steps),
    new RegExp(
      `of the 2 that would be left 1 would answer, not "${three.name}"`,
    ),
  );
  await three.start().ready();
  // By far longer than the leader waits before it goes on with what somebody has begun.
  await delay(15_000);
  for (const host of [one, two, three]) {
    await host.node.status(({ ready, members }) =>
      ready && members.length === 3
    );
  }
  assert.deepEqual(await nodeNames(one), ["one", "three", "two"]);
  await one.hamlet("remove", two.name);
  assert.deepEqual(await nodeNames(one), [one.name, three.name].sort());
});
