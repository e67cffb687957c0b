import assert from "node:assert/strict";
import { membership, type Role } from "../../../../mod.ts";
import { formatToken, parseToken } from "../../../../plugins/curator/token.ts";
import type { NodeStatus } from "../../../../runtime/status.ts";
import { machine, type NodeProcess } from "./node_process.ts";

async function invite(
  { client }: NodeProcess,
  role: Role = "worker",
  uses = 1,
): Promise<string> {
  const input = { role, ttl: 600, uses };
  return (await client.call(membership, "invite", input)).token;
}

const isReady = ({ ready }: NodeStatus) => ready;

async function nodesOf({ client }: NodeProcess) {
  return (await client.call(membership, "nodes", {})).nodes;
}

/** Waits until a hosts file has a name. */
async function untilNamed(
  node: NodeProcess,
  run: string,
  name: string,
): Promise<void> {
  const pattern = new RegExp(` ${name}$`, "m");
  if (pattern.test(await Deno.readTextFile(`${run}/hosts`))) return;
  await node.logged(new RegExp(`Wrote .*(added|renamed).* ${name}\\b`));
}

Deno.test("a machine joins as a worker, and both know each other by name", async () => {
  await using founder = await machine("one");
  await using other = await machine("two");
  await using one = founder.start(["--new-cluster"]);
  await one.status(isReady);
  const token = await invite(one);
  await using two = other.start(["--join", token]);
  await two.status(isReady);
  await untilNamed(two, other.run, "one");
  await untilNamed(one, founder.run, "two");
  assert.deepEqual(
    (await nodesOf(one)).map(({ name, role }) => `${name} ${role}`).sort(),
    ["one member", "two worker"],
  );
  // A worker asks a member how they are, and changes nothing.
  assert.deepEqual(
    (await nodesOf(two)).map(({ name, role, state, self }) =>
      `${name} ${role} ${state} ${self}`
    ).sort(),
    ["one member ready false", "two worker ready true"],
  );
  await assert.rejects(invite(two), /Run the command on a member/);
  // The token is of no use to anybody any more, and the node has forgotten it.
  await assert.rejects(Deno.stat(`${other.data}/identity/join.token`));
  await using third = await machine("three");
  await using three = third.start(["--join", token]);
  assert.notEqual(await three.ended, 0);
  await three.logged(/The token was used, by node/);

  // Without its cluster, it knows what it knew.
  await two.stop();
  await one.stop();
  await Deno.remove(`${other.run}/hosts`);
  await using again = other.start([]);
  await again.status(isReady);
  await again.logged(/No member of the cluster answers/);
  await untilNamed(again, other.run, "one");
  await using oneAgain = founder.start([]);
  await oneAgain.status(isReady);
  await again.logged(/Follows member/);
});

Deno.test("a join that is killed at each of its steps goes on, with the same token or none", async () => {
  await using founder = await machine("one");
  await using other = await machine("two");
  await using one = founder.start(["--new-cluster"]);
  await one.status(isReady);
  const token = await invite(one);
  // In the order in which a join comes by: each start gets one step further.
  const steps = [
    "after rename DATA/identity/join.token",
    "after rename DATA/node.json",
    "after rename DATA/curator/cluster.json",
    "curator before join",
    "curator after join",
    "after rename DATA/identity/crl.der",
    "after rename DATA/identity/ca.pem",
    "before rename DATA/identity/cert.pem",
    "after rename DATA/identity/cert.pem",
    "curator before joined",
    "after remove DATA/identity/join.token",
  ];
  for (const [index, step] of steps.entries()) {
    // Once node.json is there, the node remembers the token itself.
    const args = index < 2 || index % 2 === 0 ? ["--join", token] : [];
    await using dying = other.start(args, step);
    assert.equal(await dying.ended, 137, step);
  }
  await using two = other.start([]);
  await two.status(isReady);
  await untilNamed(two, other.run, "one");
  const nodes = await nodesOf(one);
  assert.deepEqual(nodes.map(({ name }) => name).sort(), ["one", "two"]);
});

Deno.test("a token that is expired, forged or of another cluster is told apart", async () => {
  await using founder = await machine("one");
  await using one = founder.start(["--new-cluster"]);
  await one.status(isReady);
  const token = parseToken(await invite(one));
  const foreign = { ...token, fingerprint: new Uint8Array(32) };
  const forged = { ...token, secret: new Uint8Array(32) };
  for (
    const [text, message] of [
      [formatToken(foreign), /the join token is of another cluster/],
      [formatToken(forged), /has another secret/],
      [formatToken(token).slice(0, -1), /cut off or altered/],
    ] as const
  ) {
    await using other = await machine("two");
    await using two = other.start(["--join", text]);
    assert.notEqual(await two.ended, 0);
    await two.logged(message);
  }
  const nodes = await nodesOf(one);
  assert.deepEqual(nodes.map(({ name }) => name), ["one"]);
});

Deno.test("a removed worker says so, stops, and does not loop", async () => {
  await using founder = await machine("one");
  await using other = await machine("two");
  await using one = founder.start(["--new-cluster"]);
  await one.status(isReady);
  await using two = other.start(["--join", await invite(one)]);
  await two.status(isReady);
  for await (
    const _ of one.client.stream(
      membership,
      "remove",
      { node: "two" },
      AbortSignal.timeout(30_000),
    )
  );
  await two.logged(/The cluster has removed this node .*hamlet reset/);
  await two.stop();
  await using again = other.start([]);
  assert.equal(await again.ended, 2);
  await again.logged(/the cluster has removed it/);
});
