import assert from "node:assert/strict";
import { readAlarms } from "../../../plugins/consensus/alarms.ts";

Deno.test("readAlarms() reads the alarms of etcd's status and nothing else", () => {
  assert.deepEqual(
    readAlarms([
      "memberID:10276657743932975437 alarm:NOSPACE ",
      "memberID:1 alarm:CORRUPT ",
      "memberID:2 alarm:FLOODED ",
      "etcdserver: no leader",
    ]),
    [
      { kind: "no-space", memberId: "8e9e05c52164694d" },
      { kind: "corrupt", memberId: "1" },
      { kind: "unknown", memberId: "2" },
    ],
  );
});
