import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { faketime } from "../support/faketime.ts";
import { allResolve, invite, members } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { reachesEtcd } from "./support/ports.ts";
import { read, write } from "./support/writes.ts";

/** What shows a host's node a clock that is wrong by so many seconds. */
async function skewed(seconds: number): Promise<Record<string, string>> {
  return {
    LD_PRELOAD: await faketime(),
    FAKETIME: `${seconds < 0 ? "" : "+"}${seconds}s`,
    // It goes on as ever: only what a clock on the wall shows is wrong.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** When something was logged, in milliseconds since the epoch by its host's own clock. */
function loggedAt({ node: { log } }: Host): number {
  const line = log.slice(0, log.indexOf("\n"));
  return Date.parse(JSON.parse(line).time);
}

Deno.test("three members and two workers know each other's names, and the machine keeps its own", async () => {
  const machine = Deno.hostname();
  await using lab = await Lab.open();
  const three = await members(lab, "one", "two", "three");
  const [one] = three;
  for (const host of three) {
    await host.node.status(({ ready, members }) =>
      ready && members.length === 3 && members.every(({ learner }) => !learner)
    );
  }

  const token = await invite(one, "worker", 2);
  const workers = [await lab.host("four"), await lab.host("five")];
  for (const host of workers) await host.join(token);
  for (const host of workers) {
    await host.node.ready();
    assert(!existsSync(`${host.data}/etcd/data`));
    assert(!existsSync(`${host.data}/ca/seal.key`));
  }
  await allResolve(lab.hosts);

  // What a worker holds opens no member's store.
  for (const host of three) {
    for (const worker of workers) {
      assert(!await reachesEtcd(worker, host, "identity"));
      await host.node.logged(
        new RegExp(`"rejected connection".*"${worker.address}:`),
      );
    }
  }

  for (const host of lab.hosts) {
    assert.equal((await host.exec("hostname")).stdout.trim(), host.name);
  }
  assert.equal(Deno.hostname(), machine);
});

Deno.test("a clock that is an hour wrong keeps nobody from joining, and changes nothing", async () => {
  await using lab = await Lab.open();
  const [one] = await members(lab, "one");
  const [two, three] = [await lab.host("two"), await lab.host("three")];
  await two.join(await invite(one, "member"), await skewed(3600));
  await two.node.ready();
  assert(loggedAt(two) - Date.now() > 3_500_000, "Its clock is right");
  // By the clock of the second member it has expired when it is made.
  const token = await invite(one, "member");
  await three.join(token, await skewed(-3600));
  await three.node.ready();
  assert(Date.now() - loggedAt(three) > 3_500_000, "Its clock is right");

  for (const host of lab.hosts) {
    await host.node.status(({ ready, members }) =>
      ready && members.length === 3 && members.every(({ learner }) => !learner)
    );
  }
  await write(three, "/test/clock", "1");
  assert.equal(await read(two, "/test/clock"), "1");
  await allResolve(lab.hosts);
  for (const host of [two, one]) {
    for (
      const { name, state } of JSON.parse(await host.hamlet("nodes", "--json"))
    ) {
      assert.equal(state, "ready", name);
    }
  }
  await one.hamlet("remove", "two");
  await two.node.logged(/The cluster has removed this node .*hamlet reset/);
});
