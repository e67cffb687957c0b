import assert from "node:assert/strict";
import type { Context } from "../../../mod.ts";
import { watchHealth } from "../../../plugins/consensus/etcd_health.ts";
import { EtcdLink } from "../../../plugins/consensus/etcd_link.ts";
import { ListedMembers } from "../../../plugins/consensus/listed_members.ts";
import { collectedHeap } from "../../support/heap.ts";

/** The context of a runnable that only waits for its signal. */
function contextOf(signal: AbortSignal): Context {
  const never = () => assert.fail("Not called");
  const log = { debug: never, info: never, warn: never, error: never };
  return {
    ...{ dn: "root.etcd.health", signal, log },
    ...{ run: never, runGroup: never, done: never, healthy() {} },
  };
}

Deno.test("watchHealth() keeps nothing of the looks it has taken", async () => {
  using link = new EtcdLink("/nowhere");
  link.client = () => Promise.reject(new Error("etcd is away"));
  const end = new AbortController();
  const { setTimeout } = globalThis;
  let looks = 0;
  let before = 0;
  let grown = 0;
  try {
    // Hours of looks at once.
    Object.assign(globalThis, { setTimeout: queueMicrotask });
    await watchHealth(contextOf(end.signal), {
      link,
      listed: new ListedMembers(),
      voting: () => Promise.resolve(),
      answered() {},
      hasAnswered: () => false,
      report() {
        looks += 1;
        if (looks === 100) before = collectedHeap();
        if (looks < 10_000) return;
        grown = collectedHeap() - before;
        end.abort();
      },
      agreed: () => assert.fail("Nobody has agreed"),
    });
  } finally {
    Object.assign(globalThis, { setTimeout });
  }
  assert.ok(grown < 500_000, `${grown} bytes`);
});

Deno.test("watchHealth() ends at once while etcd hangs", async () => {
  using link = new EtcdLink("/nowhere");
  const hanging = Promise.withResolvers<void>();
  link.client = () => {
    hanging.resolve();
    return new Promise(() => {});
  };
  const end = new AbortController();
  const ended = watchHealth(contextOf(end.signal), {
    link,
    listed: new ListedMembers(),
    voting: () => Promise.resolve(),
    answered() {},
    hasAnswered: () => false,
    report: () => assert.fail("Nothing to report"),
    agreed: () => assert.fail("Nobody has agreed"),
  });
  await hanging.promise;
  end.abort();
  await ended;
});
