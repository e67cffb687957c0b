import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { allResolve, invite, members, nodeNames } from "./support/grow.ts";
import { cluster } from "../../mod.ts";
import { Lab } from "./support/lab.ts";
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
  // It did not start anew for any of that.
  assert(!three.log.includes("(again)"));
});

Deno.test("a member that leads takes itself out of the cluster, and a worker takes out nobody", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
  const [one] = all;
  const worker = await lab.host("four");
  await worker.join(await invite(one, "worker"));
  await worker.node.ready();
  await assert.rejects(
    worker.hamlet("remove", "one"),
    /This node is a worker.*run the command on a member/,
  );

  const { members: list } = await one.client.status();
  const leader = list.find(({ leader }) => leader)?.name;
  const statuses = await Promise.all(all.map((host) => host.client.status()));
  const leading = all[statuses.findIndex(({ node }) => node.id === leader)];
  assert(leading);
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
      [...others.map(({ name }) => name), "four"].sort(),
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
  const refusal = /of the 2 that would be left 1 would answer, not "hamlet-/;
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
