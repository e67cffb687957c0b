import assert from "node:assert/strict";
import { Latest } from "../../../runtime/service/latest.ts";
import { collectedHeap } from "../../support/heap.ts";

Deno.test("Latest.watch() gives the value at once, and again after each change", async () => {
  const latest = new Latest("a");
  const end = new AbortController();
  const reader = latest.watch(end.signal);
  assert.equal((await reader.next()).value, "a");
  const next = reader.next();
  latest.set("a");
  latest.set("b");
  assert.equal((await next).value, "b");
  end.abort();
  assert.ok((await reader.next()).done);
});

Deno.test("Latest.watch() lets a slow reader miss values in between, never the newest", async () => {
  const latest = new Latest(0);
  const reader = latest.watch(new AbortController().signal);
  await reader.next();
  for (let i = 1; i <= 5; i++) latest.set(i);
  assert.equal((await reader.next()).value, 5);
  latest.set(6);
  assert.equal((await reader.next()).value, 6);
  await reader.return();
});

Deno.test("Latest.watch() ends when its signal aborts while it waits, or has aborted before", async () => {
  const latest = new Latest(0);
  const end = new AbortController();
  const reader = latest.watch(end.signal);
  await reader.next();
  const waiting = reader.next();
  end.abort();
  assert.ok((await waiting).done);
  assert.ok((await latest.watch(end.signal).next()).done);
});

Deno.test("Latest.watch() keeps nothing of the changes that its reader has seen", async () => {
  const latest = new Latest(0);
  const reader = latest.watch(new AbortController().signal);
  await reader.next();
  const before = collectedHeap();
  for (let i = 1; i <= 20_000; i++) {
    const next = reader.next();
    latest.set(i);
    await next;
  }
  const grown = collectedHeap() - before;
  assert.ok(grown < 1_000_000, `${grown} bytes`);
  await reader.return();
});
