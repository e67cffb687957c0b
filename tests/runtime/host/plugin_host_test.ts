import assert from "node:assert/strict";
import { STREAM_WINDOW } from "../../../runtime/broker/limits.ts";
import { ASK_MS } from "../../../runtime/host/plugin_worker.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { probe } from "./fixtures/contract.ts";
import { Harness } from "./harness.ts";

const READS_SECRET = 'await Deno.readTextFile("/etc/shadow")';
const CRASH = 'setTimeout(() => { throw new Error("crash"); })';

/** A plugin that provides `probe` and does what the test says. */
const providesProbe = {
  provides: ["probe"],
  config: {
    first: `ctx.provide(services.probe, {
      whoami: (_, { name, scope }) => Promise.resolve({ name, scope }),
      async *count() {
        for (let i = 1;; i++) yield i;
      },
    });`,
  },
};

Deno.test("hostPlugin() runs a plugin in a Worker, tells its state and ends it in order", async () => {
  const harness = new Harness();
  {
    await using _ = harness;
    const run = await harness.startRemote("a");
    await harness.untilReadiness("a", "ready");
    await run(`
      ctx.log.info("Hello from {node}", { node: ctx.node.name, f() {} });
      ctx.run("child", async (child) => {
        child.healthy();
        await new Promise((resolve) => child.signal.addEventListener("abort", resolve));
      });
    `);
    await harness.until(() => harness.states.includes("root.a.child HEALTHY"));
    assert.ok(harness.states.includes("root.a HEALTHY"));
    const hello = harness.logged.find(({ dn }) => dn === "root.a");
    assert.equal(hello?.message, "Hello from {node}");
    assert.equal(hello?.properties?.node, "test");
  }
  assert.deepEqual(harness.states.slice(-3), [
    "root.a.child CANCELED",
    "root.a.child removed",
    "root.a CANCELED",
  ]);
  assert.equal(harness.broker.provided("remote-a"), false);
});

Deno.test("hostPlugin() tells readiness both ways", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  await harness.untilReadiness("a", "ready");
  await run('ctx.unready("etcd is restarting")');
  await harness.untilReadiness("a", "unready");
  assert.deepEqual(harness.readiness.get("a"), {
    kind: "unready",
    reason: "etcd is restarting",
  });
  await run("ctx.ready()");
  await harness.untilReadiness("a", "ready");
});

Deno.test("hostPlugin() says why a plugin is not ready while it waits to start again", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  await harness.untilReadiness("a", "ready");
  await run(CRASH);
  await harness.untilReadiness("a", "unready");
  assert.deepEqual(harness.readiness.get("a"), {
    kind: "unready",
    reason: "died: crash",
  });
  await harness.untilReadiness("a", "ready");
});

Deno.test("hostPlugin() says that a plugin does not answer while its thread is busy, and that it does again", async () => {
  const clock = new ManualClock();
  await using harness = new Harness({ clock });
  const run = await harness.startRemote("a");
  await harness.untilReadiness("a", "ready");
  await run(`
    setTimeout(() => {
      console.info("is busy");
      const end = Date.now() + 1_500;
      while (Date.now() < end);
    });
  `);
  await harness.untilLogged(/^is busy$/);
  await clock.advance(ASK_MS);
  assert.deepEqual(harness.readiness.get("a"), { kind: "ready" });
  await clock.advance(ASK_MS);
  assert.deepEqual(harness.readiness.get("a"), {
    kind: "unready",
    reason: "Its thread has not answered for 10 s: it is busy, or hangs",
  });
  await harness.untilReadiness("a", "ready");
  assert.equal(harness.count(/has not answered/), 1);
});

for (
  const [how, code, message] of [
    [
      "throws",
      'setTimeout(() => { throw new TypeError("late") })',
      /TypeError: late/,
    ],
    [
      "rejects unseen",
      'void Promise.reject(new Error("unseen"))',
      /Error: unseen/,
    ],
    [
      "closes itself",
      "setTimeout(() => self.close())",
      /wanted to end its thread/,
    ],
    ["exits", "setTimeout(() => Deno.exit(0))", /wanted to end its thread/],
    [
      "exits as Node does",
      'const { exit } = await import("node:process"); setTimeout(() => exit(0))',
      /wanted to end its thread/,
    ],
    [
      "overflows its stack",
      "setTimeout(function f() { f(); })",
      /RangeError/,
    ],
    [
      "throws what is no error",
      "setTimeout(() => { throw { toString() { throw 1 } } })",
      /Died/,
    ],
  ] as const
) {
  Deno.test(`hostPlugin() starts a plugin again that ${how}`, async () => {
    await using harness = new Harness();
    const run = await harness.startRemote("a");
    await run(code);
    await harness.until(() => harness.states.includes("root.a DEAD"));
    const again = await harness.remote("a");
    assert.equal(await again("return 1 + 1"), 2);
    assert.equal(harness.count(/^Died, /), 1);
    assert.equal(harness.count(message), 1);
  });
}

Deno.test("hostPlugin() starts a plugin again whose runnable returns without being done", async () => {
  await using harness = new Harness();
  harness.start("a", "returns.ts");
  await harness.untilLogged(/Died, .*returned without having been canceled/);
});

Deno.test("hostPlugin() leaves a plugin alone that is done, and what it provides", async () => {
  await using harness = new Harness();
  harness.start("a", "done.ts", { provides: ["probe"] });
  await harness.until(() => harness.states.includes("root.a DONE"));
  const client = await harness.broker.client(probe, {
    name: "test",
    scope: undefined,
  });
  assert.deepEqual(await client.whoami({}), { name: "test", scope: undefined });
});

Deno.test("hostPlugin() restarts a child inside the Worker without touching the plugin", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  await run(`
    ctx.run("child", async (child) => {
      state.starts = (state.starts ?? 0) + 1;
      if (state.starts === 1) throw new Error("first");
      child.healthy();
      await new Promise((resolve) => child.signal.addEventListener("abort", resolve));
    });
  `);
  await harness.until(() => harness.states.includes("root.a.child HEALTHY"));
  assert.equal(await run("return state.starts"), 2);
  assert.equal(harness.states.includes("root.a DEAD"), false);
});

Deno.test("hostPlugin() gives up a plugin for a FatalError, also of a child, and passes it on", async () => {
  for (const place of ["plugin", "child"]) {
    await using harness = new Harness();
    harness.start("a", "fatal.ts", { config: place });
    await harness.untilReadiness("a", "given-up");
    assert.deepEqual(
      harness.fatal.map(({ name, message }) => `${name}: ${message}`),
      ["FatalError: Cannot find etcd: install it"],
    );
    assert.equal(harness.states.includes("root.a DEAD"), false);
  }
});

Deno.test("hostPlugin() gives up a plugin whose config does not fit, naming where", async () => {
  await using harness = new Harness();
  harness.start("a", "fatal.ts", { config: "elsewhere" });
  await harness.untilReadiness("a", "given-up");
  assert.match(
    harness.fatal[0]?.message ?? "",
    /config .*plugins\.a in the node's config/,
  );
});

Deno.test("hostPlugin() gives up a module without a plugin", async () => {
  await using harness = new Harness();
  harness.start("a", "contract.ts");
  await harness.untilReadiness("a", "given-up");
  assert.match(
    harness.fatal[0]?.message ?? "",
    /no default export made by definePlugin/,
  );
});

Deno.test('hostPlugin() refuses isolation "process"', () => {
  const harness = new Harness();
  assert.throws(
    () => harness.start("a", "remote.ts", { isolation: "process" }),
    /"a" cannot run with isolation "process" yet: set plugins\.a\.isolation/,
  );
});

Deno.test("hostPlugin() starts a plugin once what it requires is provided, and cancels it when that goes away", async () => {
  await using harness = new Harness();
  const connecting = harness.startRemote("user", { uses: { probe: {} } });
  await harness.untilReadiness("user", "waiting");
  assert.deepEqual(harness.readiness.get("user"), {
    kind: "waiting",
    for: ["probe"],
  });

  const provider = await harness.startRemote("provider", providesProbe);
  const run = await connecting;
  const ask = "return (await (await ctx.use(services.probe)).whoami({})).name";
  assert.equal(await run(ask), "user");
  await run(`
    const client = await ctx.use(services.probe);
    ctx.run("reader", async (child) => {
      child.healthy();
      for await (const _ of client.count({}));
    });
  `);
  await harness.until(() =>
    harness.states.includes("root.user.reader HEALTHY")
  );

  await provider(CRASH);
  await harness.untilReadiness("user", "waiting");
  await harness.until(() => !harness.broker.provided("remote-user"));
  const again = await harness.remote("user");
  assert.equal(await again(ask), "user");
  // Only the provider has died: neither its user, nor what read from it.
  assert.deepEqual(
    harness.states.filter((state) => state.endsWith("DEAD")),
    ["root.provider DEAD"],
  );
  assert.equal(harness.count(/"probe" is gone: starts again/), 1);
});

Deno.test("hostPlugin() lets an optional service come and go", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("user", {
    uses: { probe: { optional: true } },
  });
  const seen = run(`
    const seen = [];
    for (let i = 0; i < 2; i++) {
      const client = await ctx.use(services.probe);
      seen.push((await client.whoami({})).name);
      ctx.log.info("Seen " + i);
      await new Promise((resolve) => client.gone.addEventListener("abort", resolve));
      seen.push(await client.whoami({}).catch((error) => error.name));
    }
    return seen;
  `);
  for (let i = 0; i < 2; i++) {
    harness.start("provider", "done.ts", { provides: ["probe"] });
    await harness.untilLogged(new RegExp(`Seen ${i}`));
    await harness.stop("provider");
  }
  assert.deepEqual(await seen, [
    "user",
    "ServiceGoneError",
    "user",
    "ServiceGoneError",
  ]);
  assert.equal(harness.states.includes("root.user CANCELED"), false);
});

Deno.test("hostPlugin() cancels a plugin that waits for an optional service that never comes", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("user", {
    uses: { probe: { optional: true } },
  });
  await run(`
    ctx.run("waiting", async (child) => {
      child.healthy();
      await ctx.use(services.probe);
    });
  `);
  await harness.until(() =>
    harness.states.includes("root.user.waiting HEALTHY")
  );
  await harness.stop("user");
  assert.ok(harness.states.includes("root.user.waiting CANCELED"));
  assert.equal(harness.count(/Has not returned/), 0);
});

Deno.test("hostPlugin() ends a provider after those that require it", async () => {
  const harness = new Harness();
  {
    await using _ = harness;
    await harness.startRemote("provider", providesProbe);
    const run = await harness.startRemote("user", { uses: { probe: {} } });
    await run(`
      const client = await ctx.use(services.probe);
      ctx.run("last", async (child) => {
        child.healthy();
        await new Promise((resolve) => child.signal.addEventListener("abort", resolve));
        ctx.log.info("Last words to {name}", await client.whoami({}));
      });
    `);
    await harness.until(() =>
      harness.states.includes("root.user.last HEALTHY")
    );
  }
  assert.equal(harness.count(/Last words/), 1);
  assert.deepEqual(
    harness.states.filter((state) => state.endsWith("CANCELED")),
    ["root.user.last CANCELED", "root.user CANCELED", "root.provider CANCELED"],
  );
});

Deno.test("hostPlugin() starts a plugin again only after what it ran in this thread has ended", async () => {
  await using harness = new Harness();
  const finish = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  harness.broker.provide(probe, {
    whoami: () => Promise.resolve({ name: "", scope: undefined }),
    async *count(_, { signal }) {
      most = Math.max(most, ++running);
      yield 1;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted.resolve();
      await finish.promise;
      running--;
    },
  });
  const parts = {
    uses: { probe: {} },
    config: {
      first:
        "state.numbers = (await ctx.use(services.probe)).count({}); await state.numbers.next();",
    },
  };
  const run = await harness.startRemote("a", parts);
  await run(CRASH);
  await aborted.promise;
  // Dead for its users, but not for the supervisor.
  assert.equal(harness.broker.provided("remote-a"), false);
  assert.equal(harness.states.includes("root.a DEAD"), false);
  finish.resolve();
  await harness.remote("a");
  assert.equal(running, 1);
  assert.equal(most, 1);
});

Deno.test("hostPlugin() terminates a plugin that does not return in time, and names it and its runnables", async () => {
  await using harness = new Harness({ gracePeriod: 50 });
  const run = await harness.startRemote("a");
  await run('ctx.run("stubborn", () => new Promise(() => {}))');
  await harness.stop("a");
  assert.equal(
    harness.count(/Did not return within 50 ms and was terminated/),
    1,
  );
  assert.ok(
    harness.logged.some(({ dn, message }) =>
      dn === "root.a.stubborn" && /Has not returned/.test(message)
    ),
  );
});

Deno.test("hostPlugin() does not take for control what a plugin makes up", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  const seen = await run(`
    const seen = [];
    for (const kind of ["ended", "failed", "ready", "cancel"]) {
      self.postMessage({ kind, failure: { name: "x", message: "x", fatal: true } });
      self.dispatchEvent(new MessageEvent("message", { data: { kind } }));
      self.onmessage?.({ data: { kind } });
    }
    for (const name of ["postMessage", "close", "start"]) {
      const own = MessagePort.prototype[name];
      MessagePort.prototype[name] = function (...args) { seen.push(name); return own.apply(this, args); };
    }
    const listen = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (...args) {
      if (this instanceof MessagePort) seen.push("addEventListener");
      return listen.apply(this, args);
    };
    ctx.log.info("goes through the port of the runtime");
    ctx.ready();
    await (await ctx.use(services.probe).catch(() => undefined))?.whoami({});
    return seen;
  `);
  assert.deepEqual(seen, []);
  assert.equal(await run("return 1"), 1);
  assert.equal(harness.states.includes("root.a DEAD"), false);
});

Deno.test("hostPlugin() refuses a service that is not declared, and logs it once", async () => {
  await using harness = new Harness();
  harness.start("provider", "done.ts", { provides: ["probe"] });
  const run = await harness.startRemote("a");
  const message =
    'Plugin "a" may not use service "probe": deno.json would allow it with plugins.a.uses.probe: {}';
  for (let i = 0; i < 3; i++) {
    assert.equal(
      await run(
        "return await ctx.use(services.probe).catch((error) => error.message)",
      ),
      message,
    );
  }
  assert.deepEqual(
    harness.logged.filter((record) => record.message === message).length,
    1,
  );
});

Deno.test("hostPlugin() refuses to provide what is not declared, and logs it once", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  for (let i = 0; i < 2; i++) {
    assert.match(
      String(
        await run(
          "try { ctx.provide(services.probe, {}); } catch (error) { return error.message; }",
        ),
      ),
      /"a" may not provide service "probe": .* plugins\.a\.provides: \["remote-a","probe"\]/,
    );
  }
  assert.equal(harness.count(/may not provide service "probe"/), 1);
  assert.equal(harness.broker.provided("probe"), false);
});

Deno.test("hostPlugin() refuses a method outside the declaration at the provider's end", async () => {
  await using harness = new Harness();
  harness.start("provider", "done.ts", { provides: ["probe"] });
  const run = await harness.startRemote("a", {
    uses: { probe: { methods: ["count"], scope: { keys: ["/a/"] } } },
  });
  assert.match(
    String(
      await run(
        "return await (await ctx.use(services.probe)).whoami({}).catch((error) => error.message)",
      ),
    ),
    /"a" may not call "whoami" .*plugins\.a\.uses\.probe\.methods: \["count", "whoami"\]/,
  );
  await harness.untilLogged(/"a" may not call "whoami"/);
  const record = harness.logged.find(({ message }) => /whoami/.test(message));
  assert.equal(record?.dn, "root.provider");
});

Deno.test("hostPlugin() lets a plugin die of a denied permission with the line that would allow it", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  await run(`setTimeout(async () => { ${READS_SECRET} })`);
  await harness.untilLogged(
    /Died, .*Plugin "a" may not read "\/etc\/shadow": deno\.json would allow it with plugins\.a\.permissions\.read: \["\/etc\/shadow"\]/,
  );
});

Deno.test("hostPlugin() lets a child die of a denied permission in the same words", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  await run(`ctx.run("child", async () => { ${READS_SECRET} })`);
  await harness.untilLogged(/Died, .*Plugin "a" may not read "\/etc\/shadow"/);
  const death = harness.logged.find(({ message }) => /^Died/.test(message));
  assert.equal(death?.dn, "root.a.child");
});

Deno.test("hostPlugin() shares one connection between the parts of a plugin", async () => {
  await using harness = new Harness();
  harness.start("provider", "done.ts", { provides: ["probe"] });
  const run = await harness.startRemote("a", { uses: { probe: {} } });
  assert.equal(
    await run(
      "return (await ctx.use(services.probe)) === (await ctx.use(services.probe))",
    ),
    true,
  );
});

Deno.test("hostPlugin() holds a provider up whose reader in another Worker is slow", async () => {
  await using harness = new Harness();
  const provider = await harness.startRemote("provider", {
    provides: ["probe"],
    config: {
      first: `
        state.pulled = 0;
        ctx.provide(services.probe, {
          async *count() {
            while (true) yield ++state.pulled;
          },
        });
      `,
    },
  });
  const run = await harness.startRemote("a", { uses: { probe: {} } });
  await run(`
    state.numbers = (await ctx.use(services.probe)).count({});
    await state.numbers.next();
  `);
  // Each of these is a way through both Workers, in which the provider could go on.
  const pulled = [];
  for (let i = 0; i < 20; i++) {
    await run("");
    pulled.push(await provider("return state.pulled"));
  }
  assert.equal(pulled.at(-1), STREAM_WINDOW);

  await run("for (let i = 0; i < 1000; i++) await state.numbers.next()");
  const after = Number(await provider("return state.pulled"));
  assert.ok(after >= 1001 && after <= 1001 + STREAM_WINDOW, String(after));
  await run("await state.numbers.return()");
});

Deno.test("hostPlugin() logs what a plugin tells the console, under the plugin's name", async () => {
  await using harness = new Harness();
  const run = await harness.startRemote("a");
  await run('console.warn("Forged %s\\x1b[2J", "line")');
  await harness.untilLogged(/Forged line/);
  const record = harness.logged.find(({ message }) => /Forged/.test(message));
  assert.deepEqual([record?.dn, record?.level], ["root.a", "warning"]);
});
