import assert from "node:assert/strict";
import { allResolve, invite, members } from "./support/grow.ts";
import { Lab } from "./support/lab.ts";
import { leaderOf } from "./support/leader.ts";
import { read, write } from "./support/writes.ts";

Deno.test("writes go on without the leader that was killed, and it comes back", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
  await allResolve(all);
  const leader = await leaderOf(all);
  const others = all.filter((host) => host !== leader);
  const [first] = others;
  assert(first);
  await write(leader, "/test/before", "1");

  await leader.node.kill();
  await write(first, "/test/without", "2");
  assert.equal(await read(first, "/test/before"), "1");
  // One that is gone is not forgotten.
  assert.deepEqual(await first.resolve(leader.name), [leader.address]);

  const again = leader.start();
  await again.ready();
  assert.equal(await read(leader, "/test/without"), "2");
  await allResolve(all);
});

Deno.test("a member that has lost its certificate gets another one by itself", async () => {
  await using lab = await Lab.open();
  const [one, , three] = await members(lab, "one", "two", "three");
  await three.node.stop();
  await Deno.remove(`${three.data}/identity/cert.pem`);
  await three.start().ready();
  await write(one, "/test/after", "1");
  assert.equal(await read(three, "/test/after"), "1");
});

Deno.test("of two halves the one with the majority goes on, the other says what it waits for and follows by itself", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
  const token = await invite(all[0], "worker", 2);
  const [near, far] = [await lab.host("near"), await lab.host("far")];
  for (const host of [near, far]) await host.join(token);
  for (const host of [near, far]) await host.node.ready();
  await allResolve(lab.hosts);
  // The leader: the harder case for both halves.
  const alone = await leaderOf(all);
  const others = all.filter((host) => host !== alone);
  const [first] = others;
  assert(first);

  await lab.split(alone, far);
  await write(first, "/test/majority", "1");
  await alone.node.status(({ ready, plugins, warnings }) =>
    !ready &&
    plugins.some(({ reason = "" }) => /etcd has no leader/.test(reason)) &&
    warnings.some((text) => /takes no writes until a majority/.test(text)) &&
    warnings.some((text) => text.includes(first.name))
  );
  await assert.rejects(alone.hamlet("kv", "put", "/test/minority", "1"));
  await assert.rejects(alone.hamlet("remove", first.name), /hamlet recover/);
  // Each half lets workers work on, and knows everybody's name; what it learns is nobody's but its own.
  for (const host of [...others, near, far]) {
    await host.node.status(({ ready }) => ready);
  }
  await allResolve(lab.hosts);
  const late = await lab.host("late");
  await late.join(await invite(first, "worker"));
  await late.node.ready();
  await allResolve([...others, near, late]);
  assert.deepEqual(await far.resolve("late"), []);

  await lab.heal(alone, far);
  await alone.node.ready();
  assert.equal(await read(alone, "/test/majority"), "1");
  await write(alone, "/test/healed", "2");
  assert.equal(await read(first, "/test/healed"), "2");
  await allResolve(lab.hosts);
});
