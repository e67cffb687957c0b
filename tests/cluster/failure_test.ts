import assert from "node:assert/strict";
import { allResolve, members } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { read, write } from "./support/writes.ts";

/** Tells the leader from the others. */
async function leaderOf(hosts: readonly Host[]): Promise<Host> {
  for (const host of hosts) {
    const { members } = await host.client.status();
    if (members.some(({ self, leader }) => self && leader)) return host;
  }
  throw new Error("Nobody leads");
}

Deno.test("writes go on without the leader that was killed, and it comes back", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
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

Deno.test("a member that is cut off writes nothing while the others do, and follows when it is back", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
  // The leader: the harder case for both halves.
  const alone = await leaderOf(all);
  const others = all.filter((host) => host !== alone);
  const [first] = others;
  assert(first);

  await lab.cut(alone);
  await write(first, "/test/majority", "1");
  await alone.node.status(({ ready }) => !ready);
  await assert.rejects(alone.hamlet("kv", "put", "/test/minority", "1"));
  for (const host of others) {
    await host.node.status(({ ready }) => ready);
    assert.deepEqual(await host.resolve(alone.name), [alone.address]);
  }
  assert.deepEqual(await alone.resolve(first.name), [first.address]);

  await lab.heal(alone);
  await alone.node.ready();
  assert.equal(await read(alone, "/test/majority"), "1");
  await write(alone, "/test/healed", "2");
  assert.equal(await read(first, "/test/healed"), "2");
});
