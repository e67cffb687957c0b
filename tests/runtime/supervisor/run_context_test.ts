import assert from "node:assert/strict";
import { type Context, MisuseError } from "../../../runtime/supervisor/mod.ts";
import { aborted, Harness, service, tree } from "./harness.ts";

/** Runs a body as the root and hands on what it throws. */
async function inRoot(body: (ctx: Context) => void): Promise<unknown> {
  const harness = new Harness();
  let thrown: unknown;
  const supervisor = harness.supervise(async (ctx) => {
    try {
      body(ctx);
    } catch (error) {
      thrown = error;
    }
    await aborted(ctx.signal);
  });
  await harness.clock.settle();
  await supervisor.cancel();
  assert.equal(harness.clock.pending, 0);
  return thrown;
}

function assertMisuse(thrown: unknown, message: RegExp): void {
  assert.ok(thrown instanceof MisuseError, `Not a MisuseError: ${thrown}`);
  assert.match(thrown.message, message);
  assert.equal(thrown.dn, "root");
}

Deno.test("Context.healthy() throws the second time", async () => {
  assertMisuse(
    await inRoot((ctx) => {
      ctx.healthy();
      ctx.healthy();
    }),
    /signal healthy in "root": it has signaled healthy before/,
  );
});

Deno.test("Context.healthy() throws after done", async () => {
  assertMisuse(
    await inRoot((ctx) => {
      ctx.done();
      ctx.healthy();
    }),
    /signal healthy in "root": it has signaled done before/,
  );
});

Deno.test("Context.done() throws the second time", async () => {
  assertMisuse(
    await inRoot((ctx) => {
      ctx.healthy();
      ctx.done();
      ctx.done();
    }),
    /signal done in "root": it has signaled done before/,
  );
});

Deno.test("Context.run() throws after done", async () => {
  assertMisuse(
    await inRoot((ctx) => {
      ctx.done();
      ctx.run("late", service);
    }),
    /run "late" in "root": it has signaled done/,
  );
});

Deno.test("Context.run() throws when the name is taken", async () => {
  assertMisuse(
    await inRoot((ctx) => {
      ctx.run("a", service);
      ctx.run("a", service);
    }),
    /run "a" in "root": the name "a" is taken/,
  );
});

for (const name of ["", "A", "a.b", "a b", "ä", "a\n", "a".repeat(65)]) {
  Deno.test(`Context.run() throws when the name is ${JSON.stringify(name)}`, async () => {
    assertMisuse(
      await inRoot((ctx) => ctx.run(name, service)),
      /does not match/,
    );
  });
}

Deno.test("Context.run() takes every name that a DN may have", async () => {
  for (const name of ["a", "0", "etcd-log_2", "__proto__", "a".repeat(64)]) {
    assert.equal(await inRoot((ctx) => ctx.run(name, service)), undefined);
  }
});

Deno.test("Context.runGroup() throws when it is given nothing", async () => {
  assertMisuse(await inRoot((ctx) => ctx.runGroup({})), /the group is empty/);
});

Deno.test("Context.runGroup() starts none when one name is taken", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("b", service);
    assert.throws(
      () => ctx.runGroup({ a: service, b: service, c: service }),
      MisuseError,
    );
    ctx.healthy();
    await aborted(ctx.signal);
  });
  await harness.clock.settle();
  assert.deepEqual(tree(supervisor), ["root HEALTHY", "root.b HEALTHY"]);
  await supervisor.cancel();
});

Deno.test("Context throws once its instance has ended, also while another one runs in its place", async () => {
  const harness = new Harness();
  const contexts: Context[] = [];
  const supervisor = harness.supervise(async (ctx) => {
    contexts.push(ctx);
    if (contexts.length === 2) await aborted(ctx.signal);
  });
  const assertOutside = () => {
    const [first] = contexts;
    assert.ok(first !== undefined);
    for (
      const call of [
        () => first.healthy(),
        () => first.done(),
        () => first.run("a", service),
        () => first.runGroup({ a: service }),
      ]
    ) {
      assert.throws(call, (error) => {
        assertMisuse(error, /this instance of it has ended/);
        return true;
      });
    }
  };
  await harness.clock.settle();
  assertOutside();
  await harness.clock.advance(500);
  assert.equal(contexts.length, 2);
  assertOutside();
  assert.deepEqual(tree(supervisor), ["root NEW"]);
  await supervisor.cancel();
  assertOutside();
});

Deno.test("Context of a done runnable that has returned refuses children from outside", async () => {
  const harness = new Harness();
  let left: Context | undefined;
  const supervisor = harness.supervise((ctx) => {
    left = ctx;
    ctx.done();
    return Promise.resolve();
  });
  await harness.clock.settle();
  assert.throws(() => left?.run("a", service), MisuseError);
  await supervisor.cancel();
});

Deno.test("Context.run() of a runnable that is being canceled throws the reason of the cancellation", async () => {
  const harness = new Harness();
  const reason = new Error("Enough");
  let thrown: unknown;
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", async (child) => {
      await aborted(child.signal);
      // The parent's signal has not aborted yet, but it must not have new children.
      assert.equal(ctx.signal.aborted, false);
      try {
        ctx.run("late", service);
      } catch (error) {
        thrown = error;
      }
    });
    await aborted(ctx.signal);
  });
  await harness.clock.settle();
  await supervisor.cancel(reason);
  assert.equal(thrown, reason);
  assert.deepEqual(tree(supervisor), ["root CANCELED", "root.child CANCELED"]);
});

Deno.test("Context.healthy() and done() have no effect on a runnable that is being canceled", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    await aborted(ctx.signal);
    ctx.healthy();
    ctx.done();
  });
  await harness.clock.settle();
  await supervisor.cancel();
  assert.deepEqual(
    harness.changes.map((change) =>
      "state" in change ? change.state : "removed"
    ),
    ["NEW", "CANCELED"],
  );
});

Deno.test("Context.log writes under the runnable's DN", async () => {
  const harness = new Harness();
  const supervisor = harness.supervise(async (ctx) => {
    ctx.run("child", async (ctx) => {
      ctx.log.warn(`I am ${ctx.dn}`);
      await aborted(ctx.signal);
    });
    await aborted(ctx.signal);
  });
  await harness.clock.settle();
  assert.deepEqual(harness.lines, [{
    dn: "root.child",
    level: "warning",
    message: "I am root.child",
  }]);
  await supervisor.cancel();
});
