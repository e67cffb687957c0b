import assert from "node:assert/strict";
import type { LogEntry } from "../../../runtime/log/entry.ts";
import { createHistory, type Followed } from "../../../runtime/log/history.ts";
import { collectedHeap } from "../../support/heap.ts";

function entry(message: string, dn = "root"): LogEntry {
  const time = new Date(0).toISOString();
  return { time, level: "info", dn, message, properties: {} };
}

const messages = (entries: readonly LogEntry[]) =>
  entries.map((entry) => entry.message);

Deno.test("recent() answers the latest of a subtree, oldest first", () => {
  const history = createHistory();
  for (const dn of ["root.a", "root.ab", "root.a.b", "root", "root.a"]) {
    history.add(entry(`${history.recent().length}`, dn));
  }
  assert.deepEqual(messages(history.recent()), ["0", "1", "2", "3", "4"]);
  assert.deepEqual(messages(history.recent("root.a")), ["0", "2", "4"]);
  assert.deepEqual(messages(history.recent("root.a", 2)), ["2", "4"]);
  assert.deepEqual(messages(history.recent(undefined, 0)), []);
});

Deno.test("add() keeps no more entries and no more characters than wanted", () => {
  const few = createHistory({ count: 3 });
  for (let i = 0; i < 10; i++) few.add(entry(`${i}`));
  assert.deepEqual(messages(few.recent()), ["7", "8", "9"]);

  const small = createHistory({ size: 10_000 });
  for (let i = 0; i < 1000; i++) small.add(entry("x".repeat(1000)));
  const kept = JSON.stringify(small.recent()).length;
  assert.ok(kept > 5_000 && kept < 10_100, `${kept} characters`);
  small.add(entry("y".repeat(20_000)));
  assert.deepEqual(messages(small.recent()), ["y".repeat(20_000)]);
});

Deno.test("add() lets go of what it does not keep", async () => {
  const history = createHistory({ size: 1_000 });
  const dropped: WeakRef<LogEntry>[] = [];
  for (let i = 0; i < 10; i++) {
    const added = entry(`${i}`.repeat(900));
    dropped.push(new WeakRef(added));
    history.add(added);
  }
  dropped.pop();
  // What a weak reference was made to stays until the job that did so has ended.
  await new Promise((resolve) => setTimeout(resolve));
  collectedHeap();
  assert.deepEqual(dropped.filter((ref) => ref.deref() !== undefined), []);
});

Deno.test("follow() gives every entry of a subtree from the call on", async () => {
  const history = createHistory();
  history.add(entry("before", "root.a"));
  const end = new AbortController();
  const following = history.follow("root.a", end.signal);
  history.add(entry("one", "root.a"));
  history.add(entry("other", "root.b"));
  const read = Array.fromAsync(following);
  history.add(entry("two", "root.a.b"));
  await Promise.resolve();
  history.add(entry("three", "root.a"));
  await new Promise((resolve) => setTimeout(resolve));
  end.abort();
  assert.deepEqual(
    (await read).map((item) => item.kind === "entry" && item.entry.message),
    ["one", "two", "three"],
  );
});

Deno.test("follow() tells a slow reader exactly how many entries of its subtree it missed", async () => {
  const history = createHistory({ count: 4 });
  const end = new AbortController();
  const following = history.follow("root.a", end.signal);
  for (let i = 0; i < 20; i++) {
    history.add(entry(`${i}`, i % 2 ? "root.a" : "root.b"));
  }
  const read: Followed[] = [];
  for await (const item of following) {
    read.push(item);
    if (item.kind === "entry" && item.entry.message === "19") break;
  }
  assert.deepEqual(
    read.map((item) => item.kind === "entry" ? item.entry.message : item.count),
    [8, "17", "19"],
  );
  end.abort();
});

Deno.test("follow() ends when aborted while it waits", async () => {
  const history = createHistory();
  const end = new AbortController();
  const next = history.follow(undefined, end.signal).next();
  end.abort();
  assert.equal((await next).done, true);
});
