import assert from "node:assert/strict";
import type { Runnable } from "../../../runtime/supervisor/mod.ts";
import { aborted, Harness, service } from "./harness.ts";

const many = 10_000;

Deno.test("supervise() starts 10,000 runnables, makes them healthy and cancels them in order", async () => {
  const harness = new Harness();
  const children = (i: number) =>
    Array.from({ length: 10 }, (_, k) => 10 * i + k + 1)
      .filter((k) => k < many);
  let running = 0;
  const returned = new Set<number>();
  const runnable = (i: number): Runnable => async (ctx) => {
    running += 1;
    for (const k of children(i)) ctx.run(`${k}`, runnable(k));
    ctx.healthy();
    await aborted(ctx.signal);
    assert.ok(
      children(i).every((k) => returned.has(k)),
      `${ctx.dn} was told before its children had returned`,
    );
    returned.add(i);
    running -= 1;
  };
  const supervisor = harness.supervise(runnable(0));
  await harness.clock.settle();
  assert.equal(running, many);
  const statuses = supervisor.status();
  assert.equal(statuses.length, many);
  assert.ok(statuses.every(({ state }) => state === "HEALTHY"));
  await supervisor.cancel();
  await supervisor.finished;
  assert.equal(running, 0);
  assert.equal(returned.size, many);
  assert.ok(supervisor.status().every(({ state }) => state === "CANCELED"));
  assert.equal(harness.clock.pending, 0);
  assert.deepEqual(harness.lines, []);
});

Deno.test("supervise() takes 10,000 children of one parent, and restarts them as a group", async () => {
  const harness = new Harness();
  let starts = 0;
  let died = false;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.runGroup(
      Object.fromEntries(
        Array.from({ length: many }, (_, i) => [`${i}`, async (ctx) => {
          starts += 1;
          if (i === 5_000 && !died) {
            died = true;
            throw new Error("Bad");
          }
          await service(ctx);
        }]),
      ),
    );
    await service(ctx);
  });
  await harness.clock.advance(500);
  assert.equal(starts, 2 * many);
  assert.ok(supervisor.status().every(({ state }) => state === "HEALTHY"));
  await supervisor.cancel();
  assert.equal(harness.clock.pending, 0);
});

for (
  const [what, ends] of [["wait for their children", service], [
    "are done",
    undefined,
  ]] as const
) {
  Deno.test(`supervise() takes a chain of 10,000 runnables that ${what}`, async () => {
    const harness = new Harness();
    let deepest = 0;
    const link = (depth: number): Runnable => async (ctx) => {
      deepest = depth;
      if (depth < many) ctx.run("a", link(depth + 1));
      if (ends !== undefined || depth === many) return await service(ctx);
      ctx.done();
    };
    // Every DN of such a chain, written out, would be 100 MB.
    const supervisor = harness.supervise(link(1), { onChange: () => {} });
    await harness.clock.settle();
    assert.equal(deepest, many);
    await supervisor.cancel();
    await supervisor.finished;
    assert.equal(harness.clock.pending, 0);
  });
}
