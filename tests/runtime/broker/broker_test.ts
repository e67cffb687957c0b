import assert from "node:assert/strict";
import { type Client, ServiceError, ServiceGoneError } from "../../../mod.ts";
import {
  Broker,
  type ConnectionEnd,
  type Provider,
} from "../../../runtime/broker/broker.ts";
import { connect } from "../../../runtime/broker/client.ts";
import type { Declaration } from "../../../runtime/broker/declaration.ts";
import { messagePortTransport } from "../../../runtime/broker/message_port_transport.ts";
import { Refusals } from "../../../runtime/broker/refusals.ts";
import {
  serve,
  type ServedConnection,
} from "../../../runtime/broker/server.ts";
import type { LogRecord } from "../../../runtime/log/record.ts";
import { obliging, probe } from "./harness.ts";

const never = new AbortController().signal;

function declaration(
  name: string,
  { provides = [], uses = {} }: Partial<Declaration>,
): Declaration {
  return { name, provides, uses };
}

/** A plugin that lives in this thread. */
class Plugin implements Provider {
  readonly callers: unknown[] = [];
  readonly #served = new Map<number, ServedConnection>();
  readonly #used = new Map<number, () => void>();

  serve({ id, port, user }: Parameters<Provider["serve"]>[0]): void {
    const refusals = new Refusals(() => {});
    const implementation = {
      ...obliging,
      echo: (input: { text: string }, caller: { name: string }) => {
        this.callers.push(caller.name);
        return Promise.resolve(input);
      },
    };
    const transport = messagePortTransport(port);
    this.#served.set(
      id,
      serve(probe, implementation, transport, { user, refusals }),
    );
  }

  client({ id, port }: ConnectionEnd): Client<typeof probe> {
    const transport = messagePortTransport(port);
    this.#used.set(id, () => transport.close());
    return connect(probe, transport);
  }

  revoke(connection: number): void {
    this.#served.get(connection)?.close();
    this.#used.get(connection)?.();
  }
}

function broker(): { broker: Broker; logged: LogRecord[] } {
  const logged: LogRecord[] = [];
  return {
    broker: new Broker({ log: (record) => logged.push(record) }),
    logged,
  };
}

function refused(message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof ServiceError);
    assert.equal(error.code, "not-permitted");
    assert.equal(error.message, message);
    return true;
  };
}

Deno.test("Broker.join() connects a user to a provider that comes later, under the user's declared name", async () => {
  const { broker: it } = broker();
  const [provider, user] = [new Plugin(), new Plugin()];
  const using = it.join(declaration("user", { uses: { probe: {} } }), user);
  const connecting = using.use("probe", never);
  const providing = it.join(
    declaration("provider", { provides: ["probe"] }),
    provider,
  );
  assert.equal(it.provided("probe"), false);
  providing.provide("probe");
  assert.equal(it.provided("probe"), true);

  const client = user.client(await connecting);
  assert.deepEqual(await client.echo({ text: "a" }), { text: "a" });
  assert.deepEqual(provider.callers, ["user"]);
  await providing.end();
  await using.end();
});

Deno.test("Broker.join() refuses a use that is not declared, and logs it once under the plugin's DN", async () => {
  const { broker: it, logged } = broker();
  it.provide(probe, obliging);
  const session = it.join(declaration("crl", {}), new Plugin());
  const message =
    'Plugin "crl" may not use service "probe": deno.json would allow it with plugins.crl.uses.probe: {}';
  for (let i = 0; i < 3; i++) {
    await assert.rejects(session.use("probe", never), refused(message));
  }
  await assert.rejects(session.use("constructor", never), ServiceError);
  assert.deepEqual(
    logged.map(({ dn, level, message }) => ({ dn, level, message }))[0],
    { dn: "root.crl", level: "error", message },
  );
  assert.equal(logged.length, 2);
});

Deno.test("Broker.join() advises a scope where a service wants one", async () => {
  const it = new Broker({
    log() {},
    exampleScope: (service, plugin) =>
      service === "kv" ? { keys: [`/${plugin}/`] } : undefined,
  });
  await assert.rejects(
    it.join(declaration("crl", {}), new Plugin()).use("kv", never),
    refused(
      'Plugin "crl" may not use service "kv": deno.json would allow it with plugins.crl.uses.kv: {"scope":{"keys":["/crl/"]}}',
    ),
  );
});

Deno.test("Broker.join() refuses to provide what is not declared", () => {
  const { broker: it, logged } = broker();
  const session = it.join(
    declaration("crl", { provides: ["list"] }),
    new Plugin(),
  );
  assert.throws(
    () => session.provide("kv"),
    refused(
      'Plugin "crl" may not provide service "kv": deno.json would allow it with plugins.crl.provides: ["list","kv"]',
    ),
  );
  assert.equal(it.provided("kv"), false);
  assert.equal(logged.length, 1);
});

Deno.test("Broker.join() refuses a second provider of a service", () => {
  const { broker: it } = broker();
  it.provide(probe, obliging);
  const session = it.join(
    declaration("b", { provides: ["probe"] }),
    new Plugin(),
  );
  assert.throws(() => session.provide("probe"), { code: "already-exists" });
});

Deno.test("Session.use() rejects with its signal's reason while there is no provider", async () => {
  const { broker: it } = broker();
  const session = it.join(
    declaration("a", { uses: { probe: {} } }),
    new Plugin(),
  );
  const controller = new AbortController();
  const connecting = session.use("probe", controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(connecting, /enough/);
});

Deno.test("Session.end() of a provider revokes its connections after it has told that it is gone; the next provider serves", async () => {
  const { broker: it } = broker();
  const [first, second, user] = [new Plugin(), new Plugin(), new Plugin()];
  const declared = declaration("provider", { provides: ["probe"] });
  const providing = it.join(declared, first);
  providing.provide("probe");
  const using = it.join(declaration("user", { uses: { probe: {} } }), user);
  const client = user.client(await using.use("probe", never));

  const told: string[] = [];
  const unlisten = it.onProvided((service, provided) =>
    told.push(`${service} ${provided} ${client.gone.aborted}`)
  );
  await providing.end();
  assert.ok(client.gone.aborted);
  await assert.rejects(client.echo({}), ServiceGoneError);

  it.join(declared, second).provide("probe");
  unlisten();
  const again = user.client(await using.use("probe", never));
  await again.echo({});
  assert.deepEqual(second.callers, ["user"]);
  assert.deepEqual(told, ["probe false false", "probe true true"]);
  second.revoke(2);
});

Deno.test("Session.end() of a user waits until what it runs in this thread has really ended", async () => {
  const { broker: it } = broker();
  const finish = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  it.provide(probe, {
    ...obliging,
    async *count(_, { signal }) {
      yield 1;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted.resolve();
      await finish.promise;
    },
  });
  const user = new Plugin();
  const session = it.join(declaration("user", { uses: { probe: {} } }), user);
  const client = user.client(await session.use("probe", never));
  const numbers = client.count({ to: 1 });
  await numbers.next();

  let ended = false;
  const ending = session.end().then(() => ended = true);
  await aborted.promise;
  await assert.rejects(numbers.next(), ServiceGoneError);
  assert.equal(ended, false);
  finish.resolve();
  await ending;
});

Deno.test("Session.dependentsEnded() waits for those that require what it provides, and for no others", async () => {
  const { broker: it } = broker();
  const join = (name: string, parts: Partial<Declaration>) =>
    it.join(declaration(name, parts), new Plugin());
  const provider = join("provider", { provides: ["probe"] });
  provider.provide("probe");
  const optional = join("optional", { uses: { probe: { optional: true } } });
  const other = join("other", { uses: { ca: {} } });
  await provider.dependentsEnded();

  const requires = join("requires", { uses: { probe: {} } });
  let ended = false;
  const ending = provider.dependentsEnded().then(() => ended = true);
  await optional.end();
  await other.end();
  assert.equal(ended, false);
  await requires.end();
  await ending;
});

Deno.test("Broker.client() uses a service under the name it is given, until its signal aborts", async () => {
  const { broker: it } = broker();
  const callers: unknown[] = [];
  it.provide(probe, {
    ...obliging,
    echo(input, { name, scope }) {
      callers.push({ name, scope });
      return Promise.resolve(input);
    },
  });
  const controller = new AbortController();
  const client = await it.client(probe, {
    name: "admin",
    scope: { keys: ["/"] },
    signal: controller.signal,
  });
  await client.echo({});
  assert.deepEqual(callers, [{ name: "admin", scope: { keys: ["/"] } }]);
  controller.abort();
  assert.ok(client.gone.aborted);
});

Deno.test("Broker.client() waits for a provider, but no longer than its signal", async () => {
  const { broker: it } = broker();
  await assert.rejects(
    it.client(probe, {
      name: "admin",
      scope: undefined,
      signal: AbortSignal.abort(new Error("enough")),
    }),
    /enough/,
  );
});

Deno.test("Broker.join() lets a plugin have one connection to a service at a time", async () => {
  const { broker: it } = broker();
  const provider = new Plugin();
  it.join(declaration("provider", { provides: ["probe"] }), provider)
    .provide("probe");
  const user = new Plugin();
  const session = it.join(declaration("user", { uses: { probe: {} } }), user);
  const first = user.client(await session.use("probe", never));
  assert.equal(first.gone.aborted, false);
  const second = user.client(await session.use("probe", never));
  assert.equal(first.gone.aborted, true);
  assert.deepEqual(await second.echo({}), { text: "nothing" });
  await session.end();
});
