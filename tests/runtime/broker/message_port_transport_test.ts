import assert from "node:assert/strict";
import { messagePortTransport } from "../../../runtime/broker/message_port_transport.ts";

/** Two ends, and what the second has received; it resolves once the first has closed. */
function ends(most?: number) {
  const { port1, port2 } = new MessageChannel();
  const near = messagePortTransport(port1);
  const far = messagePortTransport(port2, most);
  const received: unknown[] = [];
  const closed = Promise.withResolvers<void>();
  far.onMessage((message) => received.push(message));
  far.onClose(() => closed.resolve());
  return { near, far, received, port: port1, closed: closed.promise };
}

Deno.test("messagePortTransport() keeps the order of what is sent and what is queued, however much", async () => {
  const { near, received, closed } = ends();
  const all = Array.from({ length: 1_000 }, (_, i) => i);
  for (const i of all) i % 100 === 7 ? near.send(i) : near.queue(i);
  near.close();
  await closed;
  assert.deepEqual(received, all);
});

Deno.test("messagePortTransport() delivers nothing after its end has closed, in the middle of what has come together", async () => {
  const { port1, port2 } = new MessageChannel();
  const near = messagePortTransport(port1);
  const far = messagePortTransport(port2);
  const received: unknown[] = [];
  const closed = Promise.withResolvers<void>();
  near.onMessage(() => {});
  near.onClose(() => closed.resolve());
  far.onMessage((message) => {
    received.push(message);
    if (message === 2) far.close();
  });
  for (const i of [1, 2, 3]) near.queue(i);
  await closed.promise;
  assert.deepEqual(received, [1, 2]);
});

for (
  const [what, most, list] of [
    ["longer than any that is sent", undefined, Array(257).fill(0)],
    ["of billions", undefined, Array(2 ** 32 - 1)],
    ["of two where one is expected", 1, [0, 0]],
  ] as const
) {
  Deno.test(`messagePortTransport() gives a list ${what} to its reader as one message`, async () => {
    const { near, received, port, closed } = ends(most);
    port.postMessage(list);
    near.close();
    await closed;
    const [only, ...others] = received;
    assert.ok(Array.isArray(only));
    assert.equal(only.length, list.length);
    assert.deepEqual(others, []);
  });
}
