import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Connections } from "../../../../plugins/curator/server/connections.ts";
import { report, startMember } from "./harness.ts";

/** Connections of strangers that a member keeps at the most. */
const MOST = 512;
/** Milliseconds after which a node thinks that its member is gone. */
const PATIENCE = 5_000;

/** Opens connections that say nothing. */
async function open(
  port: number,
  count: number,
  localAddress = "127.0.0.1",
): Promise<Socket[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    socket.on("error", () => {});
    await once(socket, "connect");
    // What is not read does not notice its end.
    return socket.resume();
  }));
}

function closed(socket: Socket): Promise<unknown> {
  return socket.destroyed ? Promise.resolve() : once(socket, "close");
}

/** Connections that are served by nothing, and the names of their peers. */
async function listen(patience?: number) {
  const peers: string[] = [];
  const turnedAway: string[] = [];
  const arrived: (() => void)[] = [];
  const connections = new Connections({
    serve(socket) {
      socket.resume();
      peers.push(`${socket.remoteAddress}:${socket.remotePort}`);
      arrived.forEach((resolve) => resolve());
    },
    turnedAway: (count, address) => turnedAway.push(`${count} ${address}`),
    ...patience !== undefined && { patience },
  });
  const port = await connections.listen("127.0.0.1", 0);
  return {
    connections,
    port,
    peers,
    turnedAway,
    async arrival(count: number) {
      while (peers.length < count) {
        await new Promise<void>((resolve) => arrived.push(resolve));
      }
    },
  };
}

Deno.test("Connections ends one that does not show in time who it is, and keeps one that does", async () => {
  const { connections, port, peers, arrival } = await listen(2_000);
  const [known, stranger] = await open(port, 2);
  assert.ok(known && stranger);
  await arrival(2);
  connections.known(`127.0.0.1:${known.localPort}`);
  await closed(stranger);
  assert.equal(known.destroyed, false);
  assert.equal(peers.length, 2);
  connections.end(`127.0.0.1:${known.localPort}`);
  await closed(known);
  await connections.close();
});

Deno.test("Connections turns away the oldest strangers of one address, and says so once", async () => {
  const { connections, port, arrival, turnedAway } = await listen();
  const [known] = await open(port, 1);
  assert.ok(known);
  await arrival(1);
  connections.known(`127.0.0.1:${known.localPort}`);
  const [first] = await open(port, 1);
  assert.ok(first);
  const others = await open(port, 100);
  await closed(first);
  await arrival(102);
  const left = others.filter(({ destroyed }) => !destroyed).length;
  assert.ok(left >= 64, `${left} are left`);
  assert.equal(known.destroyed, false);
  assert.deepEqual(turnedAway, ["1 127.0.0.1"]);
  await connections.close();
  await Promise.all([known, ...others].map(closed));
});

Deno.test("the curator stays responsive under 10,000 connections that show nothing", async () => {
  await using member = await startMember();
  using worker = await member.join();
  const { membership } = worker.connection;
  await membership.report(report());
  const total = 10_000;
  const batch = 100;
  let opened = 0;
  const left = new Set<Socket>();
  const fewAreLeft = Promise.withResolvers<void>();
  const look = () => {
    if (opened === total && left.size <= MOST) fewAreLeft.resolve();
  };
  const flood = async () => {
    while (opened < total) {
      // More than one machine has them, so that all of them together are bounded too.
      const from = `127.0.0.${2 + opened / batch % 10}`;
      for (const socket of await open(member.port, batch, from)) {
        left.add(socket);
        void closed(socket).then(() => {
          left.delete(socket);
          look();
        });
      }
      opened += batch;
      look();
    }
  };
  let slowest = 0;
  const flooded = flood();
  do {
    const start = performance.now();
    await membership.report(report());
    // Nor is a machine kept out that comes now.
    using again = member.connect({
      key: worker.machine.key,
      certificate: worker.response.certificate,
    });
    await again.membership.renew({});
    slowest = Math.max(slowest, performance.now() - start);
  } while (opened < total);
  await flooded;
  await fewAreLeft.promise;
  assert.ok(slowest < PATIENCE, `${slowest} ms`);
  await member.log.until(
    /warn Turned away \d+ connections .* from 127\.0\.0\.\d+$/,
  );
  const last = [...left];
  last.forEach((socket) => socket.destroy());
  await Promise.all(last.map(closed));
});
