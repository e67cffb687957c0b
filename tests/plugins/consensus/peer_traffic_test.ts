import assert from "node:assert/strict";
import { PeerTraffic } from "../../../plugins/consensus/peer_traffic.ts";

/** An etcd that is looked at. */
class Etcd {
  now = 0;
  bytes: Record<string, number> = {};

  readonly traffic = new PeerTraffic({
    metrics: () =>
      Promise.resolve(
        [
          "# HELP etcd_network_peer_received_bytes_total Bytes.",
          "# TYPE etcd_network_peer_received_bytes_total counter",
          ...Object.entries(this.bytes).map(([id, bytes]) =>
            `etcd_network_peer_received_bytes_total{From="${id}"} ${bytes}`
          ),
          'etcd_network_peer_sent_bytes_total{To="b"} 7',
        ].join("\n"),
      ),
    now: () => this.now,
  });

  /** Looks at a time. */
  async at(now: number, bytes: Record<string, number>): Promise<void> {
    Object.assign(this, { now, bytes });
    await this.traffic.look();
  }
}

Deno.test("PeerTraffic.heardAgo() is unknown until something came between two looks", async () => {
  const etcd = new Etcd();
  await etcd.at(0, { a: 1_000 });
  assert.equal(etcd.traffic.heardAgo("a"), undefined);
  await etcd.at(250, { a: 1_000 });
  assert.equal(etcd.traffic.heardAgo("a"), undefined);
  assert.equal(etcd.traffic.heardAgo("b"), undefined);
});

Deno.test("PeerTraffic.heardAgo() is never less than it was", async () => {
  const etcd = new Etcd();
  await etcd.at(1_000, { a: 10 });
  // Something came between 1000 and 1250: perhaps right after the first look.
  await etcd.at(1_250, { a: 20 });
  assert.equal(etcd.traffic.heardAgo("a"), 250);
  await etcd.at(1_500, { a: 2.5e+06 });
  assert.equal(etcd.traffic.heardAgo("a"), 250);
});

Deno.test("PeerTraffic.heardAgo() grows while nothing comes, for each peer by itself", async () => {
  const etcd = new Etcd();
  await etcd.at(0, { a: 10, b: 10 });
  await etcd.at(250, { a: 20, b: 20 });
  await etcd.at(500, { a: 20, b: 30 });
  await etcd.at(1_500, { a: 20, b: 40 });
  assert.equal(etcd.traffic.heardAgo("a"), 1_500);
  assert.equal(etcd.traffic.heardAgo("b"), 1_000);
});

Deno.test("PeerTraffic.heardAgo() starts again after etcd has", async () => {
  const etcd = new Etcd();
  await etcd.at(0, { a: 10 });
  await etcd.at(250, { a: 20 });
  await etcd.at(500, { a: 5 });
  assert.equal(etcd.traffic.heardAgo("a"), 500);
  await etcd.at(750, { a: 6 });
  assert.equal(etcd.traffic.heardAgo("a"), 250);
});
