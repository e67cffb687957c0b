import assert from "node:assert/strict";
import { ScopeError, ServiceError, ServiceGoneError } from "../../../mod.ts";
import { connect } from "../../../runtime/broker/client.ts";
import {
  MAX_BYTES_UNDER_WAY,
  MAX_CALLS,
  MAX_INPUT_BYTES,
  MAX_SHARED_BYTES,
  MAX_STREAMS,
  STREAM_WINDOW,
} from "../../../runtime/broker/limits.ts";
import { messagePortTransport } from "../../../runtime/broker/message_port_transport.ts";
import type { Transport } from "../../../runtime/broker/transport.ts";
import { connected, obliging, probe, raw } from "./harness.ts";

/** Resolves once everything that is on its way through a port of this thread has arrived. */
async function settled(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  for (let hop = 0; hop < 3; hop++) {
    const arrived = new Promise((resolve) =>
      port1.onmessage = () => resolve(undefined)
    );
    port2.postMessage(0);
    await arrived;
  }
  port1.close();
  port2.close();
}

function code(expected: string, message = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof ServiceError, String(error));
    assert.equal(error.code, expected);
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("connect() calls a method with its input parsed and its output parsed", async () => {
  using connection = connected(probe, {
    ...obliging,
    echo: (input) => Promise.resolve({ ...input, surplus: 1 }),
  });
  assert.deepEqual(await connection.client.echo({}), { text: "nothing" });
  assert.deepEqual(
    await connection.client.echo({ text: "a", bytes: new Uint8Array([1, 2]) }),
    { text: "a", bytes: new Uint8Array([1, 2]) },
  );
});

Deno.test("connect() answers many calls at a time, each with its own", async () => {
  using connection = connected(probe, obliging);
  const texts = Array.from({ length: 500 }, (_, i) => `text ${i}`);
  const answers = await Promise.all(
    texts.map((text) => connection.client.echo({ text })),
  );
  assert.deepEqual(answers.map(({ text }) => text), texts);
});

for (const size of [1, 100_000]) {
  Deno.test(`connect() sends ${size} bytes as they are at the call, whatever becomes of them at once`, async () => {
    const answered = new Uint8Array(size);
    using connection = connected(probe, {
      ...obliging,
      echo: ({ bytes }) => {
        queueMicrotask(() => queueMicrotask(() => answered.fill(3)));
        answered.fill(bytes?.[0] ?? 0);
        return Promise.resolve({ text: "", bytes: answered });
      },
    });
    const bytes = new Uint8Array(size).fill(1);
    const input = { text: "before", bytes };
    const calling = connection.client.echo(input);
    bytes.fill(2);
    input.text = "after";
    assert.deepEqual(await calling, {
      text: "",
      bytes: new Uint8Array(size).fill(1),
    });
  });
}

Deno.test("connect() sends large and small inputs in the order of the calls", async () => {
  const seen: (string | undefined)[] = [];
  using connection = connected(probe, {
    ...obliging,
    echo: (input) => {
      seen.push(input.text);
      return Promise.resolve(input);
    },
  });
  const texts = ["a", "b".repeat(10_000), "c", "d", "e".repeat(10_000), "f"];
  await Promise.all(texts.map((text) => connection.client.echo({ text })));
  assert.deepEqual(seen, texts);
});

Deno.test("connect() rejects with the provider's ServiceError, and with nothing but its code and message", async () => {
  using connection = connected(probe, {
    ...obliging,
    echo: () =>
      Promise.reject(
        new ServiceError("failed-precondition", "Not caught up", {
          cause: new Error("secret"),
        }),
      ),
  });
  await assert.rejects(connection.client.echo({}), (error) => {
    assert.ok(error instanceof ServiceError);
    assert.equal(error.code, "failed-precondition");
    assert.equal(error.message, "Not caught up");
    assert.equal(error.cause, undefined);
    return true;
  });
  assert.deepEqual(connection.logged, []);
});

Deno.test("connect() rejects with internal for any other error, which the provider's end logs once", async () => {
  using connection = connected(probe, {
    ...obliging,
    echo() {
      throw new TypeError("x is not a function");
    },
  });
  for (let i = 0; i < 3; i++) {
    await assert.rejects(
      connection.client.echo({}),
      code("internal", /^x is not a function$/),
    );
  }
  assert.deepEqual(connection.logged, [
    'Service "probe" failed in "echo": x is not a function',
  ]);
});

Deno.test("connect() rejects an answer that the contract does not allow", async () => {
  using connection = connected(probe, {
    ...obliging,
    // deno-lint-ignore no-explicit-any -- what only a wrong provider answers
    echo: () => Promise.resolve({ text: 1 } as any),
  });
  await assert.rejects(
    connection.client.echo({}),
    code("internal", /"probe" answered "echo" with what its contract/),
  );
});

Deno.test("connect() rejects what is not plain data without sending it", async () => {
  using connection = connected(probe, obliging);
  // deno-lint-ignore no-explicit-any -- what the types do not let through
  const input: any = { text: () => "text" };
  await assert.rejects(connection.client.echo(input), code("invalid-argument"));
});

Deno.test("connect() cancels a call with its signal, at the provider too", async () => {
  const aborted = Promise.withResolvers<unknown>();
  using connection = connected(probe, {
    ...obliging,
    wait: (_, { signal }) =>
      new Promise(() =>
        signal.addEventListener("abort", () => aborted.resolve(signal.reason))
      ),
  });
  const controller = new AbortController();
  const call = connection.client.wait({}, { signal: controller.signal });
  await settled();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(call, reason);
  assert.ok(code("canceled")(await aborted.promise));
});

Deno.test("connect() rejects at once when the signal has aborted before", async () => {
  let called = false;
  using connection = connected(probe, {
    ...obliging,
    wait() {
      called = true;
      return Promise.resolve({});
    },
  });
  const signal = AbortSignal.abort(new Error("before"));
  await assert.rejects(connection.client.wait({}, { signal }), /before/);
  await assert.rejects(
    connection.client.count({ to: 1 }, { signal }).next(),
    /before/,
  );
  await settled();
  assert.equal(called, false);
});

Deno.test("connect() reads a stream to its end", async () => {
  using connection = connected(probe, obliging);
  const numbers = await Array.fromAsync(connection.client.count({ to: 1000 }));
  assert.deepEqual(numbers, Array.from({ length: 1000 }, (_, i) => i + 1));
});

Deno.test("connect() gives several readers that wait one item each, then the end", async () => {
  using connection = connected(probe, obliging);
  const numbers = connection.client.count({ to: 2 });
  assert.deepEqual(
    await Promise.all([numbers.next(), numbers.next(), numbers.next()]),
    [
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ],
  );
  assert.equal((await numbers.next()).done, true);
});

Deno.test("connect() gives the items before an error, the error once, then the end", async () => {
  using connection = connected(probe, {
    ...obliging,
    async *count() {
      yield await Promise.resolve(1);
      throw new ServiceError("unavailable", "etcd restarts");
    },
  });
  const numbers = connection.client.count({ to: 2 });
  assert.deepEqual(await numbers.next(), { done: false, value: 1 });
  await assert.rejects(numbers.next(), code("unavailable", /etcd restarts/));
  assert.equal((await numbers.next()).done, true);
});

Deno.test("serve() pulls no more of a stream than its reader has room for", async () => {
  let pulled = 0;
  using connection = connected(probe, {
    ...obliging,
    async *count({ to }) {
      for (; pulled < to;) yield await Promise.resolve(++pulled);
    },
  });
  const numbers = connection.client.count({ to: 1_000_000 });
  await settled();
  await settled();
  assert.equal(pulled, STREAM_WINDOW);

  const taken = 5 * STREAM_WINDOW;
  for (let i = 1; i <= taken; i++) {
    assert.equal((await numbers.next()).value, i);
  }
  await settled();
  await settled();
  assert.ok(pulled >= taken + STREAM_WINDOW / 2, `${pulled} of ${taken}`);
  assert.ok(pulled <= taken + STREAM_WINDOW, `${pulled} of ${taken}`);
  await numbers.return?.();
});

Deno.test("serve() ends a stream whose reader stops, and runs its finally", async () => {
  const ended = Promise.withResolvers<void>();
  using connection = connected(probe, {
    ...obliging,
    async *count() {
      try {
        for (let i = 1;; i++) yield await Promise.resolve(i);
      } finally {
        ended.resolve();
      }
    },
  });
  for await (const number of connection.client.count({ to: 0 })) {
    if (number === 3) break;
  }
  await ended.promise;
});

Deno.test("serve() ends a stream that waits for its next item when the reader returns", async () => {
  const ended = Promise.withResolvers<void>();
  using connection = connected(probe, {
    ...obliging,
    async *count(_, { signal }) {
      try {
        await new Promise((resolve) =>
          signal.addEventListener("abort", resolve)
        );
        yield 1;
      } finally {
        ended.resolve();
      }
    },
  });
  const numbers = connection.client.count({ to: 0 });
  const waiting = numbers.next();
  await settled();
  assert.equal((await numbers.return?.())?.done, true);
  assert.equal((await waiting).done, true);
  await ended.promise;
});

Deno.test("serve() ends a stream by its signal; the reader gets the reason instead of what was on its way", async () => {
  const ended = Promise.withResolvers<void>();
  using connection = connected(probe, {
    ...obliging,
    async *count() {
      try {
        for (let i = 1;; i++) yield await Promise.resolve(i);
      } finally {
        ended.resolve();
      }
    },
  });
  const controller = new AbortController();
  const numbers = connection.client.count({ to: 0 }, {
    signal: controller.signal,
  });
  await numbers.next();
  controller.abort(new Error("enough"));
  await assert.rejects(numbers.next(), /enough/);
  assert.equal((await numbers.next()).done, true);
  await ended.promise;
});

Deno.test("serve() relays the stream of another service, and its cancellation", async () => {
  const ended = Promise.withResolvers<void>();
  using origin = connected(probe, {
    ...obliging,
    async *count(_, { signal }) {
      yield 1;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      ended.resolve();
    },
  });
  using relay = connected(probe, {
    ...obliging,
    count: (input) => origin.client.count(input),
  });
  const numbers = relay.client.count({ to: 0 });
  assert.equal((await numbers.next()).value, 1);
  await numbers.return?.();
  await ended.promise;
});

Deno.test("serve() fails a stream whose item cannot cross, and ends it", async () => {
  const ended = Promise.withResolvers<void>();
  using connection = connected(probe, {
    ...obliging,
    async *count() {
      try {
        // deno-lint-ignore no-explicit-any -- what only a wrong provider yields
        yield await Promise.resolve(new Map() as any);
      } finally {
        ended.resolve();
      }
    },
  });
  await assert.rejects(
    connection.client.count({ to: 0 }).next(),
    code("invalid-argument", /class "Map"/),
  );
  await ended.promise;
});

Deno.test("serve() states who calls, with the scope of the manifest parsed", async () => {
  const callers: unknown[] = [];
  using connection = connected(probe, {
    ...obliging,
    echo(input, { name, scope }) {
      callers.push({ name, scope });
      return Promise.resolve(input);
    },
  }, { name: "crl", scope: {} });
  // deno-lint-ignore no-explicit-any -- a caller that claims to be another one
  await connection.client.echo({ text: "I am admin" } as any);
  assert.deepEqual(callers, [{ name: "crl", scope: { keys: [] } }]);
});

Deno.test("serve() refuses everything to a user whose scope is not valid", async () => {
  using connection = connected(probe, obliging, {
    name: "crl",
    scope: { keys: "all" },
  });
  await assert.rejects(
    connection.client.echo({}),
    code("not-permitted", /plugins\.crl\.uses\.probe\.scope/),
  );
  assert.equal(connection.logged.length, 1);
});

Deno.test("serve() refuses a method that is not declared, naming the line that would allow it, and logs it once", async () => {
  using connection = connected(probe, obliging, {
    name: "autopromoter",
    methods: ["wait", "count"],
    scope: undefined,
  });
  const message =
    'Plugin "autopromoter" may not call "echo" of service "probe": deno.json would allow it with plugins.autopromoter.uses.probe.methods: ["count", "echo", "wait"]';
  for (let i = 0; i < 3; i++) {
    await assert.rejects(connection.client.echo({}), (error) => {
      assert.ok(error instanceof ServiceError);
      assert.equal(error.code, "not-permitted");
      assert.equal(error.message, message);
      return true;
    });
  }
  await connection.client.wait({});
  assert.deepEqual(connection.logged, [message]);
});

Deno.test("serve() logs a ScopeError of the implementation once for each distinct refusal", async () => {
  using connection = connected(probe, {
    ...obliging,
    echo: ({ text }, caller) =>
      Promise.reject(
        new ScopeError(
          caller.name,
          `read "${text}"`,
          `uses.probe.scope.keys: ["${text}"]`,
        ),
      ),
  }, { name: "crl", scope: undefined });
  for (const text of ["/a", "/b", "/a", "/b"]) {
    await assert.rejects(
      connection.client.echo({ text }),
      code("not-permitted"),
    );
  }
  assert.deepEqual(connection.logged, [
    'Plugin "crl" may not read "/a": deno.json would allow it with plugins.crl.uses.probe.scope.keys: ["/a"]',
    'Plugin "crl" may not read "/b": deno.json would allow it with plugins.crl.uses.probe.scope.keys: ["/b"]',
  ]);
});

Deno.test("serve() refuses input that the contract does not allow, and does not pass it on", async () => {
  let called = false;
  using connection = connected(probe, {
    ...obliging,
    echo() {
      called = true;
      return Promise.resolve({ text: "" });
    },
  });
  for (const input of [{ text: 1 }, { other: "" }, [], null, "text"]) {
    await assert.rejects(
      // deno-lint-ignore no-explicit-any -- what only a wrong caller sends
      connection.client.echo(input as any),
      code("invalid-argument", /cannot take this input of "echo"/),
    );
  }
  assert.equal(called, false);
});

for (
  const method of ["none", "__proto__", "constructor", "toString", "gone", ""]
) {
  Deno.test(`serve() refuses method "${method}" and serves on`, async () => {
    using end = raw(probe, obliging);
    assert.deepEqual(
      await end.ask({ kind: "call", id: 1, method, input: {} }),
      {
        kind: "error",
        id: 1,
        code: "not-found",
        message: `Service "probe" has no method "${method}"`,
      },
    );
    assert.deepEqual(
      await end.ask({ kind: "call", id: 2, method: "wait", input: {} }),
      { kind: "value", id: 2, value: {} },
    );
  });
}

Deno.test("serve() refuses input with a key __proto__", async () => {
  using end = raw(probe, obliging);
  const input = JSON.parse(
    '{ "text": "a", "__proto__": { "polluted": true } }',
  );
  const answer = await end.ask({ kind: "call", id: 1, method: "echo", input });
  assert.match(JSON.stringify(answer), /invalid-argument.*__proto__/);
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

Deno.test("serve() refuses a large input among messages that have come together", async () => {
  using end = raw(probe, obliging);
  const bytes = new Uint8Array(MAX_SHARED_BYTES);
  const call = (id: number, input: unknown) => ({
    kind: "call",
    id,
    method: "echo",
    input,
  });
  const alone = await end.ask(call(1, { bytes }));
  assert.match(JSON.stringify(alone), /^{"kind":"value","id":1,/);
  end.transport.queue(call(2, { bytes }));
  end.transport.queue(call(3, { bytes }));
  const first = await end.ask(call(4, {}));
  assert.match(JSON.stringify(first), /"id":2,"code":"resource-exhausted"/);
});

Deno.test("serve() refuses a giant input; connect() does not even send it", async () => {
  const bytes = new Uint8Array(MAX_INPUT_BYTES + 1);
  using connection = connected(probe, obliging);
  await assert.rejects(
    connection.client.echo({ bytes }),
    code("resource-exhausted"),
  );
  using end = raw(probe, obliging);
  const answer = await end.ask({
    kind: "call",
    id: 1,
    method: "echo",
    input: { bytes },
  });
  assert.match(JSON.stringify(answer), /resource-exhausted/);
  assert.deepEqual(
    await end.ask({ kind: "call", id: 2, method: "wait", input: {} }),
    { kind: "value", id: 2, value: {} },
  );
});

for (
  const message of [
    "text",
    42,
    [],
    {},
    { kind: "call" },
    { kind: "call", id: "1", method: "echo" },
    { kind: "call", id: 0, method: "echo" },
    { kind: "call", id: 1.5, method: "echo" },
    { kind: "call", id: 1, method: { toString: 1 } },
    { kind: "credit", id: 1, items: -1 },
    { kind: "credit", id: 1, items: Infinity },
    { kind: "value", id: 1, value: 1 },
    { kind: "__proto__", id: 1 },
    { kind: { kind: "call" }, id: 1 },
  ]
) {
  Deno.test(`serve() closes a connection that sends ${Deno.inspect(message, { compact: true })}, and no other`, async () => {
    using other = connected(probe, obliging);
    using end = raw(probe, obliging);
    assert.equal(await end.ask(message), undefined);
    await end.served.finished;
    assert.equal(end.logged.length, 1);
    assert.match(end.logged[0] ?? "", /"user" to service "probe".*protocol/);
    assert.deepEqual(await other.client.echo({ text: "a" }), { text: "a" });
  });
}

Deno.test("serve() closes a connection that numbers two calls alike", async () => {
  using end = raw(probe, { ...obliging, wait: () => new Promise(() => {}) });
  const frame = { kind: "call", id: 1, method: "wait", input: {} };
  end.transport.send(frame);
  assert.equal(await end.ask(frame), undefined);
});

Deno.test("serve() closes a connection that gives more credit than it took", async () => {
  using end = raw(probe, obliging);
  await end.ask({ kind: "call", id: 1, method: "count", input: { to: 1e6 } });
  const closed = new Promise<void>((resolve) => end.transport.onClose(resolve));
  end.transport.send({ kind: "credit", id: 1, items: 1e9 });
  await closed;
  await end.served.finished;
  assert.match(end.logged[0] ?? "", /credit/);
});

Deno.test("serve() does not mind frames of what has ended", async () => {
  using end = raw(probe, obliging);
  await end.ask({ kind: "call", id: 1, method: "wait", input: {} });
  end.transport.send({ kind: "cancel", id: 1 });
  end.transport.send({ kind: "credit", id: 1, items: 5 });
  end.transport.send({ kind: "cancel", id: 7 });
  assert.deepEqual(
    await end.ask({ kind: "call", id: 2, method: "wait", input: {} }),
    { kind: "value", id: 2, value: {} },
  );
});

Deno.test("serve() limits the calls that run at a time, canceled ones that still run included", async () => {
  const running: (() => void)[] = [];
  using connection = connected(probe, {
    ...obliging,
    wait: () => new Promise((resolve) => running.push(() => resolve({}))),
  });
  const { client } = connection;
  const controller = new AbortController();
  const calls = Array.from(
    { length: MAX_CALLS },
    () => client.wait({}, { signal: controller.signal }).catch(() => {}),
  );
  controller.abort();
  await Promise.all(calls);
  await assert.rejects(client.echo({}), code("resource-exhausted"));
  for (const finish of running) finish();
  await settled();
  assert.deepEqual(await client.echo({}), { text: "nothing" });
});

Deno.test("serve() limits the streams that are open at a time", async () => {
  using connection = connected(probe, obliging);
  const { client } = connection;
  const streams = Array.from(
    { length: MAX_STREAMS },
    () => client.count({ to: 1e6 }),
  );
  await Promise.all(streams.map((numbers) => numbers.next()));
  await assert.rejects(
    client.count({ to: 1 }).next(),
    code("resource-exhausted"),
  );
  assert.deepEqual(await client.echo({}), { text: "nothing" });
  await streams[0]?.return?.();
  await settled();
  assert.equal((await client.count({ to: 1 }).next()).value, 1);
});

Deno.test("connect() sends no more calls than may be under way, nor more bytes", async () => {
  let received = Promise.withResolvers<void>();
  let waiting: (() => void)[] = [];
  let expected = 0;
  using connection = connected(probe, {
    ...obliging,
    echo: () =>
      new Promise((resolve) => {
        waiting.push(() => resolve({ text: "" }));
        if (waiting.length === expected) received.resolve();
      }),
  });
  const { client } = connection;
  const megabyte = 1024 * 1024;
  const bytes = new Uint8Array(megabyte);
  for (
    const [input, count] of [
      [{ bytes }, MAX_BYTES_UNDER_WAY / megabyte - 1],
      [{}, MAX_CALLS],
    ] as const
  ) {
    expected = count;
    const calls = Array.from({ length: count }, () => client.echo(input));
    await assert.rejects(client.echo(input), code("resource-exhausted"));
    await received.promise;
    for (const finish of waiting) finish();
    await Promise.all(calls);
    received = Promise.withResolvers();
    waiting = [];
  }
});

Deno.test("connect() rejects what runs, and what comes later, once the provider is gone", async () => {
  using connection = connected(probe, {
    ...obliging,
    wait: () => new Promise(() => {}),
  });
  const { client } = connection;
  const call = client.wait({});
  const numbers = client.count({ to: 1e6 });
  await numbers.next();
  const rejected = Promise.all([
    assert.rejects(call, ServiceGoneError),
    // Not what had come before: it could be read as if it were current.
    new Promise((resolve) => client.gone.addEventListener("abort", resolve))
      .then(() => assert.rejects(numbers.next(), ServiceGoneError)),
  ]);
  assert.equal(client.gone.aborted, false);
  connection.served.close();
  await rejected;
  assert.ok(client.gone.reason instanceof ServiceGoneError);
  await assert.rejects(client.wait({}), ServiceGoneError);
  await assert.rejects(client.count({ to: 1 }).next(), ServiceGoneError);
});

Deno.test("serve() aborts what runs when the caller goes away, and is finished when it has really ended", async () => {
  const finish = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  using end = raw(probe, {
    ...obliging,
    async *count(_, { signal }) {
      try {
        yield 1;
        await new Promise((resolve) =>
          signal.addEventListener("abort", resolve)
        );
      } finally {
        aborted.resolve();
        await finish.promise;
      }
    },
  });
  await end.ask({ kind: "call", id: 1, method: "count", input: { to: 1 } });
  let finished = false;
  void end.served.finished.then(() => finished = true);
  end.transport.close();
  await aborted.promise;
  await settled();
  assert.equal(finished, false);
  finish.resolve();
  await end.served.finished;
});

/** A client whose provider is the test. */
function withProvider(answer: (frame: unknown, transport: Transport) => void) {
  const { port1, port2 } = new MessageChannel();
  const transport = messagePortTransport(port1);
  transport.onMessage((frame) => answer(frame, transport));
  return connect(probe, messagePortTransport(port2));
}

for (
  const answer of [
    "text",
    { kind: "value" },
    { kind: "end", id: 1 },
    { kind: "error", id: 1, code: "no-such-code", message: "" },
    { kind: "error", id: 1, code: "internal", message: {} },
    { kind: "call", id: 1, method: "echo", input: {} },
  ]
) {
  Deno.test(`connect() leaves a provider that answers a call with ${Deno.inspect(answer)}`, async () => {
    const client = withProvider((_, transport) => transport.send(answer));
    await assert.rejects(client.echo({}), ServiceGoneError);
    assert.ok(client.gone.aborted);
  });
}

Deno.test("connect() leaves a provider that sends more than it has credit for", async () => {
  const client = withProvider((_, transport) => {
    for (let i = 0; i <= STREAM_WINDOW; i++) {
      transport.send({ kind: "value", id: 1, value: i });
    }
  });
  const numbers = client.count({ to: 1 });
  await new Promise((resolve) =>
    client.gone.addEventListener("abort", resolve)
  );
  await assert.rejects(numbers.next(), ServiceGoneError);
});

Deno.test("connect() gives no view of memory to the other side but its own bytes", async () => {
  using connection = connected(probe, obliging);
  const memory = new TextEncoder().encode("public secret");
  const { bytes } = await connection.client.echo({
    bytes: memory.subarray(0, 6),
  });
  assert.equal(new TextDecoder().decode(bytes?.buffer), "public");
});
