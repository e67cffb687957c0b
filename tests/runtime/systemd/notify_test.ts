import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { PluginStatus } from "../../../runtime/status.ts";
import { notifySystemd } from "../../../runtime/systemd/notify.ts";

/** A node of which the test says how it is, and what systemd was told. */
function observed(watchdog?: number) {
  const told: string[] = [];
  let woken = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const listeners = new Set<() => void>();
  const plugin: PluginStatus = { name: "one", state: "starting", restarts: 0 };
  let state = { ready: false, plugins: [plugin] };
  let isFull = false;
  let held = Promise.resolve();
  const stopping = new AbortController();
  const done = notifySystemd(
    {
      ready: ready.promise,
      finished: finished.promise,
      status: () => held.then(() => state),
      onChange(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    {
      watchdog,
      tell(text) {
        if (isFull) return false;
        told.push(text);
        woken.resolve();
        woken = Promise.withResolvers();
        return true;
      },
      [Symbol.dispose]() {},
    },
    stopping.signal,
  );
  return {
    told,
    ready,
    finished,
    stopping,
    done,
    listeners,
    /** Waits until so many things have been told. */
    async count(matches: RegExp, times: number) {
      while (told.filter((text) => matches.test(text)).length < times) {
        await woken.promise;
      }
    },
    /** Makes systemd take nothing, or all again. */
    fill(full: boolean) {
      isFull = full;
    },
    /** Makes it keep its status to itself until what is returned is called. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    change(isReady: boolean) {
      const state_ = isReady ? "ready" as const : "unready" as const;
      state = { ready: isReady, plugins: [{ ...plugin, state: state_ }] };
      for (const listener of listeners) listener();
    },
  };
}

Deno.test("notifySystemd() says READY once, when the node is", async () => {
  const node = observed();
  await node.count(/^STATUS=Not ready: 0 of 1 plugins ready$/, 1);
  assert.ok(!node.told.includes("READY=1"));
  node.ready.resolve();
  node.change(true);
  await node.count(/^STATUS=Ready: 1 of 1/, 1);
  node.change(false);
  await node.count(/^STATUS=Not ready/, 2);
  assert.equal(node.told.filter((text) => text === "READY=1").length, 1);
  node.finished.resolve();
  await node.done;
  assert.equal(node.listeners.size, 0);
});

Deno.test("notifySystemd() asks for more time while a node starts and ends, and not in between", async () => {
  const more = "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000";
  const node = observed(30);
  await node.count(/EXTEND/, 3);
  node.ready.resolve();
  await node.count(/^WATCHDOG=1$/, 3);
  const before = node.told.length;
  node.stopping.abort();
  assert.deepEqual(node.told.slice(before), ["STOPPING=1", more]);
  await node.count(/EXTEND/, 6);
  node.finished.reject(new Error("It ended badly"));
  await node.done;
});

Deno.test("notifySystemd() tells again what a busy systemd did not take, of each kind the newest", async () => {
  const node = observed();
  await node.count(/^STATUS/, 1);
  node.fill(true);
  node.ready.resolve();
  node.change(true);
  node.change(false);
  await delay(0);
  const before = node.told.length;
  node.fill(false);
  await node.count(/^STATUS/, 2);
  assert.deepEqual(node.told.slice(before).sort(), [
    "READY=1",
    "STATUS=Not ready: 0 of 1 plugins ready",
  ]);
  node.finished.resolve();
  await node.done;
});

Deno.test("notifySystemd() tells nothing of a node that has ended meanwhile", async () => {
  const node = observed();
  const answer = node.hold();
  node.change(false);
  node.finished.resolve();
  await node.done;
  const before = node.told.length;
  answer();
  await delay(0);
  assert.equal(node.told.length, before);
});

Deno.test("notifySystemd() does not call a node ready that is told to end before", async () => {
  const node = observed();
  node.stopping.abort();
  node.ready.resolve();
  node.finished.resolve();
  await node.done;
  assert.ok(!node.told.includes("READY=1"));
});
