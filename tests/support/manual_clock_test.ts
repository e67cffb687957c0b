import assert from "node:assert/strict";
import { ManualClock } from "./manual_clock.ts";
import { systemClock } from "../../runtime/supervisor/mod.ts";

Deno.test("ManualClock.advance() fires what falls due in the order of time", async () => {
  const clock = new ManualClock(100);
  const fired: string[] = [];
  clock.setTimeout(() => fired.push(`b ${clock.now()}`), 20);
  clock.setTimeout(() => fired.push(`c ${clock.now()}`), 20);
  clock.setTimeout(() => fired.push(`a ${clock.now()}`), 10);
  clock.setTimeout(() => fired.push("late"), 31);
  await clock.advance(30);
  assert.deepEqual(fired, ["a 110", "b 120", "c 120"]);
  assert.equal(clock.now(), 130);
  assert.equal(clock.pending, 1);
});

Deno.test("ManualClock.advance() fires timers that are set while it moves", async () => {
  const clock = new ManualClock();
  let ticks = 0;
  const tick = () => {
    ticks += 1;
    Promise.resolve().then(() => clock.setTimeout(tick, 10));
  };
  clock.setTimeout(tick, 10);
  await clock.advance(100);
  assert.equal(ticks, 10);
  assert.equal(clock.pending, 1);
});

Deno.test("ManualClock.clearTimeout() takes a timer back", async () => {
  const clock = new ManualClock();
  clock.clearTimeout(clock.setTimeout(() => assert.fail("Fired"), 10));
  assert.equal(clock.pending, 0);
  await clock.advance(10);
});

Deno.test("ManualClock.settle() waits for a long chain of promises without moving", async () => {
  const clock = new ManualClock(5);
  let links = 0;
  void (async () => {
    for (; links < 1_000; links += 1) await undefined;
  })();
  await clock.settle();
  assert.equal(links, 1_000);
  assert.equal(clock.now(), 5);
});

Deno.test("systemClock tells the machine's time, fires once and can be told not to", async () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1_000);
  const taken = systemClock.setTimeout(() => assert.fail("Fired"), 0);
  systemClock.clearTimeout(taken);
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 1));
});
