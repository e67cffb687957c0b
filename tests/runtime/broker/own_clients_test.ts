import assert from "node:assert/strict";
import { Broker } from "../../../runtime/broker/broker.ts";
import { OwnClients } from "../../../runtime/broker/own_clients.ts";
import { obliging, probe } from "./harness.ts";

function ownClients() {
  const broker = new Broker({ log: () => {} });
  const end = new AbortController();
  const clients = new OwnClients({
    broker,
    name: "admin",
    scope: () => undefined,
    signal: end.signal,
  });
  return { broker, clients, end };
}

const never = new AbortController().signal;

Deno.test("OwnClients.use() makes one connection however often it is asked, and sooner than the provider", async () => {
  const { broker, clients, end } = ownClients();
  const early = clients.use(probe, never);
  broker.provide(probe, obliging);
  const [a, b] = await Promise.all([early, clients.use(probe, never)]);
  assert.equal(a, b);
  assert.equal(await clients.use(probe, never), a);
  assert.deepEqual(await a.echo({ text: "x" }), { text: "x" });
  end.abort();
});

Deno.test("OwnClients.use() stops waiting when its signal aborts, and keeps the others waiting", async () => {
  const { broker, clients, end } = ownClients();
  const impatient = new AbortController();
  const given = clients.use(probe, impatient.signal);
  const patient = clients.use(probe, never);
  impatient.abort(new Error("enough"));
  await assert.rejects(given, { message: "enough" });
  broker.provide(probe, obliging);
  assert.deepEqual(await (await patient).echo({ text: "x" }), { text: "x" });
  end.abort();
});

Deno.test("OwnClients.use() forgets a connection that has ended", async () => {
  const { broker, clients, end } = ownClients();
  broker.provide(probe, obliging);
  const first = await clients.use(probe, never);
  end.abort();
  await new Promise((resolve) =>
    first.gone.aborted
      ? resolve(undefined)
      : first.gone.addEventListener("abort", resolve)
  );
  await assert.rejects(clients.use(probe, never));
});
