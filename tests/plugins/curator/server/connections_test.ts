import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Connections } from "../../../../plugins/curator/server/connections.ts";
import { report, startMember } from "./harness.ts";

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
  const { connections, port, peers, arrival } = await listen(200);
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

Deno.test("the curator stays responsive under thousands of connections that show nothing", async () => {
  await using member = await startMember();
  using worker = await member.join();
  const { membership } = worker.connection;
  await membership.report(report());
  const all: Socket[] = [];
  let left = 0;
  const fewAreLeft = Promise.withResolvers<void>();
  const flood = async () => {
    for (let n = 0; n < 20; n++) {
      const sockets = await open(member.port, 100, "127.0.0.2");
      all.push(...sockets);
      left += sockets.length;
      for (const socket of sockets) {
        void closed(socket).then(() => {
          if (--left <= 64 && all.length === 2_000) fewAreLeft.resolve();
        });
      }
    }
  };
  let slowest = 0;
  let flooding = true;
  const flooded = flood().finally(() => flooding = false);
  while (flooding) {
    const start = performance.now();
    await membership.report(report());
    // Nor is a machine kept out that comes now.
    using again = member.connect({
      key: worker.machine.key,
      certificate: worker.response.certificate,
    });
    await again.membership.renew({});
    slowest = Math.max(slowest, performance.now() - start);
  }
  await flooded;
  await fewAreLeft.promise;
  assert.ok(slowest < 10_000, `${slowest} ms`);
  await member.log.until(
    /warn Turned away \d+ connections .* from 127\.0\.0\.2$/,
  );
  all.forEach((socket) => socket.destroy());
  await Promise.all(all.map(closed));
});
