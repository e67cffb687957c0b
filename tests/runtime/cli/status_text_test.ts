import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { duration, statusText } from "../../../runtime/cli/status_text.ts";
import type { NodeStatus } from "../../../runtime/status.ts";

const status: NodeStatus = {
  ready: false,
  node: {
    id: "hamlet-00",
    name: "one",
    machineId: "00",
    role: "member",
    address: "192.0.2.1",
  },
  plugins: [
    { name: "consensus", state: "ready", restarts: 1 },
    {
      name: "evil",
      state: "unready",
      reason: "\x1b[2Jwaits\nfor you",
      restarts: 0,
    },
    { name: "crl", state: "waiting", reason: "waits for kv", restarts: 0 },
  ],
  runnables: [
    { dn: "root", state: "DONE", restarts: 0, since: 0 },
    { dn: "root.consensus", state: "HEALTHY", restarts: 1, since: 1_000 },
    { dn: "root.consensus.etcd", state: "DEAD", restarts: 12, since: 1_000 },
    { dn: "root.consensus.etcd.log", state: "NEW", restarts: 0, since: 5_000 },
    { dn: "root.consensus.health", state: "DONE", restarts: 0, since: 5_000 },
    { dn: "root.evil", state: "HEALTHY", restarts: 0, since: 5_000 },
    { dn: "root.crl", state: "NEW", restarts: 0, since: 5_000 },
  ],
  members: [{
    id: "1f",
    name: "hamlet-00",
    peerURLs: ["https://192.0.2.1:7834"],
    learner: false,
    leader: true,
    self: true,
    reachable: true,
  }, {
    id: "2f",
    name: "hamlet-01",
    nodeName: "two",
    peerURLs: ["https://192.0.2.2:7834"],
    learner: false,
    leader: false,
    self: false,
    reachable: false,
  }],
  warnings: ["The clock is wrong"],
};

Deno.test("statusText() shows plugins with what runs below them, members and warnings", () => {
  assert.deepEqual(
    statusText(status, { color: false, now: 600_000 }),
    [
      "● one is not ready",
      "  node ID  hamlet-00",
      "  role     member",
      "  address  192.0.2.1",
      "",
      "PLUGIN     STATE    RESTARTS  FOR",
      "consensus  ready    1         9m",
      "├─ etcd    DEAD     12        9m",
      "│  └─ log  NEW      0         9m",
      "└─ health  DONE     0         9m",
      "evil       unready  0         9m   \\x1b[2Jwaits\\nfor you",
      "crl        waiting  0         9m   waits for kv",
      "",
      "MEMBER  NAME       ROLE                PEERS",
      "1f      hamlet-00  leader, this node   https://192.0.2.1:7834",
      "2f      two        voter, not reached  https://192.0.2.2:7834",
      "",
      "! The clock is wrong",
    ],
  );
});

Deno.test("statusText() says the same with colors", () => {
  const plain = statusText(status, { color: false, now: 600_000 });
  const colored = statusText(status, { color: true, now: 600_000 });
  assert.deepEqual(colored.map(stripVTControlCharacters), plain);
  assert.ok(colored.some((line) => line.includes("\x1b[31mDEAD\x1b[0m")));
  assert.ok(colored.some((line) => line.includes("\x1b[32mready\x1b[0m")));
});

Deno.test("duration() is no finer than a person wants to know", () => {
  const second = 1000;
  assert.deepEqual(
    [-5, 0, 119, 120, 7199, 7200, 172_799, 172_800].map((seconds) =>
      duration(seconds * second)
    ),
    ["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d"],
  );
});
