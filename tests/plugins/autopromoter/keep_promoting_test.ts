import assert from "node:assert/strict";
import type { Logger, Member } from "../../../mod.ts";
import { keepPromoting } from "../../../plugins/autopromoter/keep_promoting.ts";
import type { Promoting } from "../../../plugins/autopromoter/promote_learners.ts";
import { INTERVAL } from "../../../plugins/consensus/etcd_health.ts";
import { PeerTraffic } from "../../../plugins/consensus/peer_traffic.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const leader: Member = {
  id: "1",
  name: "leader",
  peerURLs: [],
  learner: false,
  leader: true,
  self: true,
  reachable: true,
};

/**
 * Runs the loop in a time of its own.
 *
 * @param accepted From when on etcd lists a learner, hears it, and would promote it; milliseconds.
 * @returns When it was promoted.
 */
async function promotedAt(accepted: number): Promise<number> {
  let now = 0;
  let promoted: number | undefined;
  const end = new AbortController();
  const traffic = new PeerTraffic({
    metrics: () =>
      Promise.resolve(
        `etcd_network_peer_received_bytes_total{From="2"} ${now}\n`,
      ),
    now: () => now,
  });
  const service: Promoting = {
    watch: async function* () {
      yield {};
      now = Math.ceil(accepted / INTERVAL) * INTERVAL;
      yield {};
    },
    async members() {
      if (now < accepted) return { members: [leader] };
      await traffic.look();
      const heardAgo = traffic.heardAgo("2");
      const learner: Member = {
        ...leader,
        id: "2",
        learner: true,
        leader: false,
        self: false,
        ...(heardAgo === undefined ? {} : { heardAgo }),
      };
      return { members: [leader, learner] };
    },
    promote: ({ id }) => {
      assert.equal(id, "2");
      promoted = now;
      end.abort();
      return Promise.resolve({});
    },
  };
  await keepPromoting(service, {
    log: silent,
    signal: end.signal,
    wait: (ms) => {
      now += ms;
      if (now > accepted + 60_000) end.abort();
      return Promise.resolve();
    },
  });
  assert.ok(promoted !== undefined, "It was not promoted");
  return promoted;
}

Deno.test("keepPromoting() gives a learner its vote within a second of being accepted, at whatever time", async () => {
  for (let accepted = 1; accepted <= 2_000; accepted += 7) {
    const waited = await promotedAt(accepted) - accepted;
    // What is left of the second is for the calls.
    assert.ok(waited <= 850, `${waited} ms from ${accepted} ms on`);
  }
});
