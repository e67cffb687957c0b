import assert from "node:assert/strict";
import {
  CanceledError,
  type Context,
  MisuseError,
  type Runnable,
  supervise,
} from "../../../runtime/supervisor/mod.ts";
import type { ManualClock } from "../../support/manual_clock.ts";
import {
  aborted,
  Harness,
  listenersOn,
  pause,
  service,
  tree,
} from "./harness.ts";

Deno.test("supervise() begins the root after it has returned, as NEW", async () => {
  const harness = new Harness();
  let begun = false;
  const supervisor = harness.supervise(async (ctx) => {
    begun = true;
    await aborted(ctx.signal);
  });
  assert.equal(begun, false);
  assert.deepEqual(supervisor.status(), [{
    dn: "root",
    state: "NEW",
    restarts: 0,
    since: 1_000_000,
  }]);
  await harness.clock.settle();
  assert.equal(begun, true);
  await supervisor.cancel();
});

Deno.test("supervise() takes a DN as the root's name", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("etcd", service);
    await service(ctx);
  }, { name: "root.consensus" });
  await harness.clock.settle();
  assert.deepEqual(tree(supervisor), [
    "root.consensus HEALTHY",
    "root.consensus.etcd HEALTHY",
  ]);
  await supervisor.cancel();
});

Deno.test("supervise() throws when a part of the root's name is invalid", () => {
  for (const name of ["", "root.", "root..a", "Root"]) {
    assert.throws(
      () => new Harness().supervise(service, { name }),
      MisuseError,
    );
  }
});

Deno.test("supervise() begins a child after run has returned", async () => {
  const harness = new Harness();
  const order: string[] = [];
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", (ctx) => {
      order.push("child");
      return service(ctx);
    });
    order.push("root");
    await service(ctx);
  });
  await harness.clock.settle();
  assert.deepEqual(order, ["root", "child"]);
  await supervisor.cancel();
});

/** Lets the only child end in some way and returns how it stood right afterwards. */
async function ending(
  child: Runnable,
): Promise<{ harness: Harness; state: string; error: string | undefined }> {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", child);
    await service(ctx);
  });
  await harness.clock.settle();
  const status = supervisor.status()[1];
  assert.ok(status !== undefined);
  await supervisor.cancel();
  assert.equal(harness.clock.pending, 0);
  return { harness, state: status.state, error: status.error };
}

Deno.test("supervise() takes a return for a death", async () => {
  const { state, error, harness } = await ending(() => Promise.resolve());
  assert.equal(state, "DEAD");
  assert.match(
    error ?? "",
    /UnexpectedReturnError: "root.child" returned without having been canceled/,
  );
  assert.equal(harness.complaints().length, 1);
});

Deno.test("supervise() takes the return of a healthy runnable for a death", async () => {
  const { state } = await ending((ctx) => {
    ctx.healthy();
    return Promise.resolve();
  });
  assert.equal(state, "DEAD");
});

Deno.test("supervise() takes a rejection for a death and says why", async () => {
  const { state, error, harness } = await ending(() =>
    Promise.reject(new TypeError("Bad {luck}"))
  );
  assert.equal(state, "DEAD");
  assert.equal(error, "TypeError: Bad {luck}");
  assert.deepEqual(harness.complaints(), [
    "root.child: Died, starts again in 0.5 s: TypeError: Bad {luck}",
  ]);
});

Deno.test("supervise() says once what a runnable dies of each time", async () => {
  const harness = new Harness();
  const errors = ["A", "A", "A", "B", "A"];
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", () => Promise.reject(new Error(errors.shift())));
    await service(ctx);
  });
  while (errors.length > 0) await harness.clock.advance(1_000);
  assert.deepEqual(harness.complaints(), [
    "root.child: Died, starts again in 0.5 s: Error: A",
    "root.child: Died of the same again, starts again in 0.8 s",
    "root.child: Died of the same again, starts again in 1.1 s",
    "root.child: Died, starts again in 1.7 s: Error: B",
    "root.child: Died, starts again in 2.5 s: Error: A",
  ]);
  await supervisor.cancel();
});

Deno.test("supervise() takes a throw before the first await for a death", async () => {
  const { state, error } = await ending(() => {
    throw "text";
  });
  assert.equal(state, "DEAD");
  assert.equal(error, "text");
});

Deno.test("supervise() survives whatever can be thrown", async () => {
  for (const thrown of [undefined, null, 0, Object.create(null), Symbol("s")]) {
    assert.equal((await ending(() => Promise.reject(thrown))).state, "DEAD");
  }
});

Deno.test("supervise() takes the return after done for what it is", async () => {
  const { state, error, harness } = await ending((ctx) => {
    ctx.done();
    return Promise.resolve();
  });
  assert.equal(state, "DONE");
  assert.equal(error, undefined);
  assert.deepEqual(harness.lines, []);
});

Deno.test("supervise() takes a throw after done for a death", async () => {
  const { state } = await ending((ctx) => {
    ctx.healthy();
    ctx.done();
    return Promise.reject(new Error("Bad"));
  });
  assert.equal(state, "DEAD");
});

Deno.test("supervise() takes the misuse of a context for a death of who does not catch it", async () => {
  const { state, error } = await ending((ctx) => {
    ctx.healthy();
    ctx.healthy();
    return Promise.resolve();
  });
  assert.equal(state, "DEAD");
  assert.match(error ?? "", /^MisuseError/);
});

Deno.test("supervise() starts what died again after its backoff, with a fresh context", async () => {
  const harness = new Harness();
  const contexts: Context[] = [];
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", async (ctx) => {
      contexts.push(ctx);
      if (contexts.length === 1) throw new Error("Bad");
      await service(ctx);
    });
    await service(ctx);
  });
  await harness.clock.advance(499);
  assert.equal(contexts.length, 1);
  assert.equal(harness.clock.pending, 1);
  await harness.clock.advance(1);
  assert.equal(contexts.length, 2);
  const [first, second] = contexts;
  assert.ok(first !== undefined && second !== undefined);
  assert.notEqual(first, second);
  assert.notEqual(first.signal, second.signal);
  assert.equal(second.signal.aborted, false);
  assert.deepEqual(supervisor.status()[1], {
    dn: "root.child",
    state: "HEALTHY",
    restarts: 1,
    since: 1_000_500,
    error: "Error: Bad",
  });
  await supervisor.cancel();
});

Deno.test("supervise() leaves a runnable of another group alone when one dies", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("bad", () => Promise.reject(new Error("Bad")));
    ctx.run("good", async (ctx) => {
      starts += 1;
      await service(ctx);
    });
    await service(ctx);
  });
  await harness.clock.advance(60_000);
  assert.equal(starts, 1);
  assert.equal(supervisor.status()[2]?.restarts, 0);
  await supervisor.cancel();
});

Deno.test("supervise() cancels the children and the group of what dies, and starts the group together", async () => {
  const harness = new Harness();
  const events: string[] = [];
  const reasons: unknown[] = [];
  const death = Promise.withResolvers<void>();
  let deaths = 0;
  const recorded: Runnable = async (ctx) => {
    events.push(`+${ctx.dn}`);
    await service(ctx);
    events.push(`-${ctx.dn}`);
    reasons.push(ctx.signal.reason);
  };
  const supervisor = harness.supervise(async (ctx) => {
    ctx.runGroup({
      a: async (ctx) => {
        events.push("+root.a");
        ctx.run("x", recorded);
        ctx.healthy();
        if (deaths++ === 0) {
          await death.promise;
          throw new Error("Bad");
        }
        await aborted(ctx.signal);
      },
      b: async (ctx) => {
        ctx.run("y", recorded);
        await recorded(ctx);
      },
    });
    await service(ctx);
  });
  await harness.clock.settle();
  assert.deepEqual(events.splice(0).sort(), [
    "+root.a",
    "+root.a.x",
    "+root.b",
    "+root.b.y",
  ]);

  death.resolve();
  await harness.clock.settle();
  assert.deepEqual(tree(supervisor), [
    "root HEALTHY",
    "root.a DEAD",
    "root.a.x CANCELED",
    "root.b CANCELED",
    "root.b.y CANCELED",
  ]);
  for (const reason of reasons) {
    assert.ok(reason instanceof CanceledError);
    assert.equal(reason.message, `"root.a" died`);
    assert.match(String(reason.cause), /Bad/);
  }
  const ended = events.splice(0);
  assert.deepEqual(ended.toSorted(), ["-root.a.x", "-root.b", "-root.b.y"]);
  assert.ok(
    ended.indexOf("-root.b.y") < ended.indexOf("-root.b"),
    "A parent ended before its child",
  );

  await harness.clock.advance(500);
  assert.deepEqual(tree(supervisor).toSorted(), [
    "root HEALTHY",
    "root.a HEALTHY",
    "root.a.x HEALTHY",
    "root.b HEALTHY",
    "root.b.y HEALTHY",
  ]);
  assert.deepEqual(supervisor.status().map(({ restarts }) => restarts), [
    0,
    1,
    0,
    1,
    0,
  ]);
  await supervisor.cancel();
});

Deno.test("supervise() starts nothing of a group while one of its old instances still runs", async () => {
  const harness = new Harness();
  const slow = Promise.withResolvers<void>();
  const death = Promise.withResolvers<void>();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.runGroup({
      bad: async (ctx) => {
        starts += 1;
        if (starts > 1) return await service(ctx);
        await death.promise;
        throw new Error("Bad");
      },
      parent: async (ctx) => {
        ctx.run("slow", async (ctx) => {
          await aborted(ctx.signal);
          await slow.promise;
        });
        await service(ctx);
      },
    });
    await service(ctx);
  });
  await harness.clock.settle();
  death.resolve();
  await harness.clock.advance(3_600_000);
  assert.equal(starts, 1);
  assert.deepEqual(tree(supervisor), [
    "root HEALTHY",
    "root.bad DEAD",
    "root.parent HEALTHY",
    "root.parent.slow NEW",
  ]);
  slow.resolve();
  await harness.clock.advance(499);
  assert.equal(starts, 1);
  assert.deepEqual(tree(supervisor), [
    "root HEALTHY",
    "root.bad DEAD",
    "root.parent CANCELED",
    "root.parent.slow CANCELED",
  ]);
  await harness.clock.advance(1);
  assert.equal(starts, 2);
  await supervisor.cancel();
});

Deno.test("supervise() waits for the children of what died before it starts it again", async () => {
  const harness = new Harness();
  const slow = Promise.withResolvers<void>();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    starts += 1;
    ctx.run("slow", async (ctx) => {
      await aborted(ctx.signal);
      await slow.promise;
    });
    if (starts === 1) throw new Error("Bad");
    await service(ctx);
  });
  await harness.clock.advance(60_000);
  assert.equal(starts, 1);
  slow.resolve();
  await harness.clock.advance(500);
  assert.equal(starts, 2);
  await supervisor.cancel();
});

Deno.test("supervise() runs a done member of a group again when another one dies", async () => {
  const harness = new Harness();
  let jobs = 0;
  let deaths = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.runGroup({
      job: (ctx) => {
        jobs += 1;
        ctx.done();
        return Promise.resolve();
      },
      bad: async (ctx) => {
        if (deaths++ === 0) throw new Error("Bad");
        await service(ctx);
      },
    });
    await service(ctx);
  });
  await harness.clock.advance(500);
  assert.equal(jobs, 2);
  assert.deepEqual(tree(supervisor), [
    "root HEALTHY",
    "root.job DONE",
    "root.bad HEALTHY",
  ]);
  await supervisor.cancel();
});

Deno.test("supervise() does not run a done runnable again by itself", async () => {
  const harness = new Harness();
  let jobs = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("job", (ctx) => {
      jobs += 1;
      ctx.done();
      return Promise.resolve();
    });
    await service(ctx);
  });
  await harness.clock.advance(3_600_000);
  assert.equal(jobs, 1);
  await supervisor.cancel();
  assert.deepEqual(tree(supervisor), ["root CANCELED", "root.job DONE"]);
});

Deno.test("supervise() keeps the children of a done runnable supervised", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise((ctx) => {
    ctx.run("child", async (ctx) => {
      starts += 1;
      if (starts < 3) throw new Error("Bad");
      await service(ctx);
    });
    ctx.done();
    return Promise.resolve();
  });
  await harness.clock.advance(500 + 750);
  assert.equal(starts, 3);
  assert.deepEqual(tree(supervisor), ["root DONE", "root.child HEALTHY"]);
  await supervisor.cancel();
  assert.deepEqual(tree(supervisor), ["root DONE", "root.child CANCELED"]);
});

Deno.test("supervise() starts the children of a restarted runnable only if it runs them again", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    starts += 1;
    ctx.run(`child-${starts}`, async (ctx) => {
      ctx.run("below", service);
      await service(ctx);
    });
    await harness.clock.settle();
    if (starts === 1) throw new Error("Bad");
    await service(ctx);
  });
  await harness.clock.settle();
  await harness.clock.settle();
  await harness.clock.advance(500);
  await harness.clock.settle();
  assert.deepEqual(tree(supervisor), [
    "root HEALTHY",
    "root.child-2 HEALTHY",
    "root.child-2.below HEALTHY",
  ]);
  assert.deepEqual(
    harness.changes.filter((change) => "removed" in change),
    [{ dn: "root.child-1.below", removed: true }, {
      dn: "root.child-1",
      removed: true,
    }],
  );
  await supervisor.cancel();
});

/** Runs a child that dies again and again, for a time, and returns the waits between its deaths and its starts. */
async function waits(
  ms: number,
  body: (ctx: Context, starts: number, clock: ManualClock) => Promise<void>,
): Promise<number[]> {
  const harness = new Harness();
  const found: number[] = [];
  let starts = 0;
  let died: number | undefined;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", async (ctx) => {
      if (died !== undefined) {
        found.push(Math.round(harness.clock.now() - died));
      }
      starts += 1;
      try {
        await body(ctx, starts, harness.clock);
      } finally {
        died = harness.clock.now();
      }
    });
    await service(ctx);
  });
  await harness.clock.advance(ms);
  await supervisor.cancel();
  assert.equal(harness.clock.pending, 0);
  return found;
}

Deno.test("supervise() waits longer after each death, up to a minute", async () => {
  const found = await waits(900_000, () => Promise.reject(new Error("Bad")));
  assert.deepEqual(found.slice(0, 5), [500, 750, 1_125, 1_688, 2_531]);
  assert.deepEqual(found.slice(-2), [60_000, 60_000]);
});

Deno.test("supervise() forgets the deaths of what has stayed healthy for half a minute", async () => {
  const found = await waits(120_000, async (ctx, starts, clock) => {
    ctx.healthy();
    if (starts === 3) await pause(clock, 30_000, ctx.signal);
    if (starts === 6) await pause(clock, 29_999, ctx.signal);
    throw new Error("Bad");
  });
  assert.deepEqual(found.slice(0, 7), [
    500,
    750,
    500,
    750,
    1_125,
    1_688,
    2_531,
  ]);
});

Deno.test("supervise() forgets no deaths of what runs without being healthy", async () => {
  const found = await waits(120_000, async (ctx, starts, clock) => {
    if (starts === 3) await pause(clock, 40_000, ctx.signal);
    throw new Error("Bad");
  });
  assert.deepEqual(found.slice(0, 4), [500, 750, 1_125, 1_688]);
});

Deno.test("supervise() gives each runnable its own backoff", async () => {
  const harness = new Harness();
  const starts = { a: 0, b: 0 };
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("a", () => {
      starts.a += 1;
      return Promise.reject(new Error("Bad"));
    });
    ctx.run("b", async (ctx) => {
      starts.b += 1;
      await pause(harness.clock, 2_000, ctx.signal);
      throw new Error("Bad");
    });
    await service(ctx);
  });
  await harness.clock.advance(2_375);
  assert.deepEqual(starts, { a: 4, b: 1 });
  await harness.clock.advance(125);
  assert.equal(starts.b, 2);
  await supervisor.cancel();
});

Deno.test("supervise() shortens a wait by the jitter", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(() => {
    starts += 1;
    return Promise.reject(new Error("Bad"));
  }, { random: () => 0.5, backoff: { jitter: 1 } });
  await harness.clock.advance(250);
  assert.equal(starts, 2);
  await supervisor.cancel();
});

Deno.test("supervise() restarts the root when it dies", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    starts += 1;
    ctx.run("child", service);
    if (starts === 1) throw new Error("Bad");
    await service(ctx);
  });
  await harness.clock.advance(500);
  assert.deepEqual(tree(supervisor), ["root HEALTHY", "root.child HEALTHY"]);
  assert.equal(supervisor.status()[0]?.restarts, 1);
  await supervisor.cancel();
  await supervisor.finished;
});

Deno.test("supervise() with restartRoot false ends the tree with the error that the root died of", async () => {
  const harness = new Harness();
  const error = new Error("Bad");
  let ended = false;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", async (ctx) => {
      await service(ctx);
      ended = true;
    });
    await harness.clock.settle();
    throw error;
  }, { restartRoot: false });
  await assert.rejects(supervisor.finished, (rejected) => rejected === error);
  assert.equal(ended, true);
  assert.deepEqual(tree(supervisor), ["root DEAD", "root.child CANCELED"]);
  assert.deepEqual(harness.complaints(), ["root: Died: Error: Bad"]);
  assert.equal(harness.clock.pending, 0);
  await supervisor.cancel();
});

Deno.test("supervise() with restartRoot false restarts its children all the same", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", () => {
      starts += 1;
      return Promise.reject(new Error("Bad"));
    });
    await service(ctx);
  }, { restartRoot: false });
  await harness.clock.advance(500);
  assert.equal(starts, 2);
  await supervisor.cancel();
  await supervisor.finished;
});

Deno.test("Supervisor.fail() kills the root as if it had thrown", async () => {
  const harness = new Harness();
  const contexts: Context[] = [];
  const supervisor = harness.supervise(async (ctx) => {
    contexts.push(ctx);
    ctx.run("child", service);
    await service(ctx);
  });
  await harness.clock.settle();
  supervisor.fail(new Error("Nobody awaited"));
  assert.equal(supervisor.status()[0]?.state, "DEAD");
  assert.equal(supervisor.status()[0]?.error, "Error: Nobody awaited");
  assert.equal(
    contexts[0]?.signal.aborted,
    false,
    "The root was told before its child had returned",
  );
  await harness.clock.settle();
  assert.equal(contexts[0]?.signal.aborted, true);
  assert.deepEqual(tree(supervisor), ["root DEAD", "root.child CANCELED"]);
  await harness.clock.advance(500);
  assert.equal(contexts.length, 2);
  assert.deepEqual(tree(supervisor), ["root HEALTHY", "root.child HEALTHY"]);
  assert.deepEqual(harness.complaints(), [
    "root: Died, starts again in 0.5 s: Error: Nobody awaited",
  ]);
  await supervisor.cancel();
});

Deno.test("Supervisor.fail() kills a root that is done, and one that has not begun", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise((ctx) => {
    starts += 1;
    ctx.done();
    return Promise.resolve();
  });
  supervisor.fail(new Error("Early"));
  await harness.clock.settle();
  assert.equal(starts, 0);
  await harness.clock.advance(500);
  assert.deepEqual(tree(supervisor), ["root DONE"]);
  supervisor.fail(new Error("Late"));
  assert.deepEqual(tree(supervisor), ["root DEAD"]);
  await harness.clock.advance(750);
  assert.equal(starts, 2);
  await supervisor.cancel();
  assert.equal(harness.clock.pending, 0);
});

Deno.test("Supervisor.fail() rejects finished with restartRoot false", async () => {
  const harness = new Harness();
  const error = new Error("Nobody awaited");
  const supervisor = harness.supervise(service, { restartRoot: false });
  await harness.clock.settle();
  supervisor.fail(error);
  await assert.rejects(supervisor.finished, (rejected) => rejected === error);
});

Deno.test("Supervisor.fail() only logs when the root is dead, ending or has ended", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(service);
  await harness.clock.settle();
  supervisor.fail(new Error("First"));
  supervisor.fail(new Error("Second"));
  await harness.clock.settle();
  supervisor.fail(new Error("Third"));
  const canceled = supervisor.cancel();
  supervisor.fail(new Error("Fourth"));
  await canceled;
  supervisor.fail(new Error("Fifth"));
  assert.deepEqual(harness.complaints(), [
    "root: Died, starts again in 0.5 s: Error: First",
    "root: Failed while it was not running: Error: Second",
    "root: Failed while it was not running: Error: Third",
    "root: Failed while it was not running: Error: Fourth",
    "root: Failed while it was not running: Error: Fifth",
  ]);
  assert.equal(harness.clock.pending, 0);
});

Deno.test("Supervisor.cancel() ends children before their parents, who are not told until then", async () => {
  const harness = new Harness();
  const order: string[] = [];
  const branch =
    (children: Record<string, Runnable>): Runnable => async (ctx) => {
      for (const [name, child] of Object.entries(children)) {
        ctx.run(name, child);
      }
      await service(ctx);
      order.push(`told ${ctx.dn}`);
      await pause(harness.clock, 100, new AbortController().signal);
      order.push(`returns ${ctx.dn}`);
    };
  const supervisor = harness.supervise(
    branch({ a: branch({ x: branch({}), y: branch({}) }), b: branch({}) }),
  );
  await harness.clock.settle();
  const reason = new Error("Enough");
  const canceled = supervisor.cancel(reason);
  await harness.clock.advance(300);
  await canceled;
  await supervisor.finished;
  assert.deepEqual([
    order.slice(0, 3).sort(),
    order.slice(3, 6).sort(),
    order.slice(6),
  ], [
    ["told root.a.x", "told root.a.y", "told root.b"],
    ["returns root.a.x", "returns root.a.y", "returns root.b"],
    ["told root.a", "returns root.a", "told root", "returns root"],
  ]);
  assert.equal(harness.clock.pending, 0);
  assert.deepEqual(harness.lines, []);
});

Deno.test("Supervisor.cancel() aborts every signal with its reason", async () => {
  const harness = new Harness();
  const signals: AbortSignal[] = [];
  const supervisor = harness.supervise(async (ctx) => {
    signals.push(ctx.signal);
    ctx.run("child", (ctx) => {
      signals.push(ctx.signal);
      return service(ctx);
    });
    await service(ctx);
  });
  await harness.clock.settle();
  const reason = { why: "Enough" };
  await supervisor.cancel(reason);
  assert.deepEqual(signals.map((signal) => signal.reason === reason), [
    true,
    true,
  ]);
});

Deno.test("Supervisor.cancel() does not begin what has not begun", async () => {
  const harness = new Harness();
  let begun = false;
  const supervisor = harness.supervise(async (ctx) => {
    begun = true;
    await service(ctx);
  });
  await supervisor.cancel();
  await supervisor.finished;
  assert.equal(begun, false);
  assert.deepEqual(tree(supervisor), ["root CANCELED"]);
});

Deno.test("Supervisor.cancel() takes back what waits for its backoff", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("bad", () => {
      starts += 1;
      return Promise.reject(new Error("Bad"));
    });
    await service(ctx);
  });
  await harness.clock.settle();
  assert.equal(harness.clock.pending, 1);
  await supervisor.cancel();
  assert.equal(harness.clock.pending, 0);
  await harness.clock.advance(60_000);
  assert.equal(starts, 1);
  assert.deepEqual(tree(supervisor), ["root CANCELED", "root.bad DEAD"]);
});

Deno.test("Supervisor.cancel() ends a root that waits for its backoff", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(() => Promise.reject(new Error("Bad")));
  await harness.clock.settle();
  await supervisor.cancel();
  await supervisor.finished;
  assert.equal(harness.clock.pending, 0);
});

Deno.test("Supervisor.cancel() during a death starts nothing again", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("slow", async (ctx) => {
      await aborted(ctx.signal);
      await pause(harness.clock, 1_000, new AbortController().signal);
    });
    starts += 1;
    await harness.clock.settle();
    throw new Error("Bad");
  });
  await harness.clock.settle();
  await harness.clock.settle();
  assert.equal(supervisor.status()[0]?.state, "DEAD");
  const canceled = supervisor.cancel();
  await harness.clock.advance(60_000);
  await canceled;
  await supervisor.finished;
  assert.equal(starts, 1);
  assert.equal(harness.clock.pending, 0);
});

Deno.test("Supervisor.cancel() called twice, also from inside, is one cancellation", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.signal.addEventListener(
      "abort",
      () => void supervisor.cancel("again"),
      { once: true },
    );
    await service(ctx);
    assert.equal(ctx.signal.reason, "once");
  });
  await harness.clock.settle();
  const canceled = supervisor.cancel("once");
  assert.equal(supervisor.cancel("twice"), canceled);
  await canceled;
  assert.deepEqual(harness.lines, []);
});

Deno.test("Supervisor.cancel() leaves a root that threw something else than its reason CANCELED, and says so", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("quiet", async (ctx) => {
      await aborted(ctx.signal);
      ctx.signal.throwIfAborted();
    });
    ctx.run("fetch", async (ctx) => {
      await aborted(ctx.signal);
      throw new DOMException("The operation was aborted", "AbortError");
    });
    await aborted(ctx.signal);
    throw new Error("Cannot flush");
  });
  await harness.clock.settle();
  await supervisor.cancel();
  assert.deepEqual(tree(supervisor), [
    "root CANCELED",
    "root.quiet CANCELED",
    "root.fetch CANCELED",
  ]);
  assert.deepEqual(harness.lines, [
    {
      dn: "root",
      level: "info",
      message: "Threw while it was being canceled: Error: Cannot flush",
    },
  ]);
});

Deno.test("Supervisor.cancel() names who does not end in its grace period, and resolves", async () => {
  const harness = new Harness();
  const hang = Promise.withResolvers<void>();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("a", async (ctx) => {
      ctx.run("hung", async (ctx) => {
        ctx.healthy();
        await hang.promise;
      });
      await service(ctx);
    });
    ctx.run("b", service);
    await service(ctx);
  });
  await harness.clock.settle();
  let resolved = false;
  let finished = false;
  const canceled = supervisor.cancel().then(() => resolved = true);
  void supervisor.finished.then(() => finished = true);
  await harness.clock.advance(9_999);
  assert.deepEqual([resolved, harness.complaints()], [false, []]);
  await harness.clock.advance(1);
  await canceled;
  assert.equal(finished, false);
  assert.deepEqual(harness.complaints(), [
    "root.a.hung: Has not returned 10 s after it was canceled; nothing that waits for it can end or start again",
  ]);
  assert.deepEqual(tree(supervisor), [
    "root HEALTHY",
    "root.a HEALTHY",
    "root.a.hung HEALTHY",
    "root.b CANCELED",
  ]);
  assert.equal(
    supervisor.status()[2]?.error,
    "Has not returned 10 s after it was canceled",
  );
  assert.equal(harness.clock.pending, 0);

  hang.resolve();
  await supervisor.finished;
  assert.deepEqual(
    tree(supervisor).filter((line) => !line.endsWith("CANCELED")),
    [],
  );
  assert.deepEqual(harness.complaints().slice(1), [
    "root.a.hung: Returned at last, long after it was canceled",
  ]);
  assert.equal(harness.clock.pending, 0);
});

Deno.test("Supervisor.cancel() gives each runnable its own grace period", async () => {
  const harness = new Harness();
  const slow = (below: Runnable | undefined): Runnable => async (ctx) => {
    if (below !== undefined) ctx.run("below", below);
    await service(ctx);
    await pause(harness.clock, 9_000, new AbortController().signal);
  };
  const supervisor = harness.supervise(slow(slow(slow(undefined))));
  await harness.clock.settle();
  const canceled = supervisor.cancel();
  await harness.clock.advance(27_000);
  await canceled;
  await supervisor.finished;
  assert.deepEqual(harness.lines, []);
});

Deno.test("Supervisor.cancel() counts a parent's grace period from the return of its last child", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("slow", async (ctx) => {
      await service(ctx);
      await pause(harness.clock, 6_000, new AbortController().signal);
    });
    await new Promise(() => {});
  });
  await harness.clock.settle();
  const canceled = supervisor.cancel();
  await harness.clock.advance(15_999);
  assert.deepEqual(harness.complaints(), []);
  await harness.clock.advance(1);
  await canceled;
  assert.deepEqual(harness.complaints(), [
    "root: Has not returned 10 s after it was canceled; nothing that waits for it can end or start again",
  ]);
});

Deno.test("supervise() never restarts what never returns, and names it once", async () => {
  const harness = new Harness();
  let starts = 0;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.runGroup({
      hung: async () => {
        starts += 1;
        await new Promise(() => {});
      },
      bad: () => Promise.reject(new Error("Bad")),
    });
    ctx.run("other", service);
    await service(ctx);
  }, { gracePeriod: 3_000 });
  await harness.clock.advance(86_400_000);
  assert.equal(starts, 1);
  assert.equal(harness.clock.pending, 0);
  assert.deepEqual(harness.complaints(), [
    "root.bad: Died, starts again in 0.5 s: Error: Bad",
    "root.hung: Has not returned 3 s after it was canceled; nothing that waits for it can end or start again",
  ]);
  await supervisor.cancel();
  assert.equal(supervisor.status()[3]?.state, "CANCELED");
});

Deno.test("supervise() names each of many that do not end, with one timer for all", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    for (let i = 0; i < 100; i += 1) {
      ctx.run(
        `${i}`,
        i % 2 === 0 ? service : () => new Promise(() => {}),
      );
    }
    await service(ctx);
  });
  await harness.clock.settle();
  const canceled = supervisor.cancel();
  assert.equal(harness.clock.pending, 1);
  await harness.clock.advance(10_000);
  await canceled;
  assert.equal(harness.complaints().length, 50);
  assert.equal(harness.clock.pending, 0);
});

Deno.test("supervise() is canceled by its signal, and leaves no listener on it", async () => {
  const harness = new Harness();
  const controller = new AbortController();
  const listeners = listenersOn(controller.signal);
  const reason = new Error("Enough");
  let seen: unknown;
  const supervisor = harness.supervise(async (ctx) => {
    await service(ctx);
    seen = ctx.signal.reason;
  }, { signal: controller.signal });
  await harness.clock.settle();
  assert.equal(listeners(), 1);
  controller.abort(reason);
  await supervisor.finished;
  assert.equal(seen, reason);

  const other = new AbortController();
  const left = listenersOn(other.signal);
  await harness.supervise(service, { signal: other.signal }).cancel();
  assert.equal(left(), 0);
});

Deno.test("supervise() under a signal that has aborted never begins", async () => {
  const harness = new Harness();
  let begun = false;
  const supervisor = harness.supervise(async (ctx) => {
    begun = true;
    await service(ctx);
  }, { signal: AbortSignal.abort() });
  await supervisor.finished;
  assert.equal(begun, false);
  assert.deepEqual(tree(supervisor), ["root CANCELED"]);
});

Deno.test("supervise() tells onChange of every state in order", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("job", (ctx) => {
      ctx.healthy();
      ctx.done();
      return Promise.resolve();
    });
    ctx.healthy();
    await aborted(ctx.signal);
  });
  await harness.clock.settle();
  supervisor.fail(new Error("Bad"));
  await harness.clock.advance(500);
  await supervisor.cancel();
  assert.deepEqual(
    harness.changes.map((change) =>
      `${change.dn} ${"state" in change ? change.state : "removed"}`
    ),
    [
      "root NEW",
      "root.job NEW",
      "root HEALTHY",
      "root.job HEALTHY",
      "root.job DONE",
      "root DEAD",
      "root.job removed",
      "root NEW",
      "root.job NEW",
      "root HEALTHY",
      "root.job HEALTHY",
      "root.job DONE",
      "root CANCELED",
    ],
  );
});

Deno.test("supervise() lets onChange call back in", async () => {
  const harness = new Harness();
  const seen: string[] = [];
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", service);
    await service(ctx);
  }, {
    onChange: (change) => {
      if (!("state" in change)) return;
      seen.push(`${change.dn} ${change.state}`);
      assert.ok(supervisor.status().length > 0);
      if (seen.length === 4) {
        assert.deepEqual(tree(supervisor), [
          "root HEALTHY",
          "root.child HEALTHY",
        ]);
        void supervisor.cancel();
      }
    },
  });
  await supervisor.finished;
  assert.deepEqual(seen, [
    "root NEW",
    "root.child NEW",
    "root HEALTHY",
    "root.child HEALTHY",
    "root.child CANCELED",
    "root CANCELED",
  ]);
});

Deno.test("supervise() keeps the tree whole when a listener throws, and reports the error as uncaught", async () => {
  const harness = new Harness();
  const uncaught: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.push(event.error);
  };
  addEventListener("error", onError);
  const supervisor = harness.supervise(service, {
    onChange: () => {
      throw new Error("Bad listener");
    },
  });
  await harness.clock.settle();
  await supervisor.cancel();
  removeEventListener("error", onError);
  assert.equal(uncaught.length, 3);
  assert.deepEqual(tree(supervisor), ["root CANCELED"]);
});

Deno.test("Supervisor.status() puts a parent before its children, in the order in which they were started", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("z", async (ctx) => {
      ctx.runGroup({ b: service, a: service });
      await service(ctx);
    });
    ctx.run("y", service);
    await harness.clock.settle();
    ctx.run("x", service);
    await service(ctx);
  });
  await harness.clock.settle();
  await harness.clock.settle();
  assert.deepEqual(supervisor.status().map(({ dn }) => dn), [
    "root",
    "root.z",
    "root.z.b",
    "root.z.a",
    "root.y",
    "root.x",
  ]);
  await supervisor.cancel();
});

Deno.test(
  "supervise() by the machine's own clock restarts, and leaves no timer behind",
  {
    sanitizeOps: true,
    sanitizeResources: true,
  },
  async () => {
    const settled = Promise.withResolvers<void>();
    let starts = 0;
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    const begin = Date.now();
    const supervisor = supervise(async (ctx) => {
      starts += 1;
      if (starts < 3) throw new Error("Bad");
      ctx.healthy();
      settled.resolve();
      await aborted(ctx.signal);
    }, { log: () => silent, backoff: { initial: 1 } });
    await settled.promise;
    const since = supervisor.status()[0]?.since ?? 0;
    assert.ok(begin <= since && since <= Date.now());
    // The test runner fails a test that leaves a timer.
    await supervisor.cancel();
    assert.equal(starts, 3);
  },
);
