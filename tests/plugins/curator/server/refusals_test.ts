import assert from "node:assert/strict";
import { Refusals } from "../../../../plugins/curator/server/refusals.ts";
import { RecordedLog } from "../client/recorded_log.ts";

Deno.test("Refusals.note() logs a refusal once per caller and reason", () => {
  const log = new RecordedLog();
  const refusals = new Refusals(log);
  for (let round = 0; round < 2; round++) {
    refusals.note("node a", "join", "no");
    refusals.note("node b", "join", "no");
    refusals.note("node b", "leave", "no");
  }
  assert.deepEqual(log.lines, [
    "warn Refused node a, which tried to join: no",
    "warn Refused node b, which tried to join: no",
    "warn Refused node b, which tried to leave: no",
  ]);
});

Deno.test("Refusals.note() lets nobody fill the log who makes up a reason each time", () => {
  const log = new RecordedLog();
  const refusals = new Refusals(log);
  for (let index = 0; index < 1000; index++) {
    refusals.note("somebody", "join", `invitation "${index}" is not known`);
  }
  assert.equal(log.lines.length, 21);
  assert.equal(
    log.lines.at(-1),
    "warn Refused somebody so much that nothing more of it is logged",
  );
  refusals.note("node b", "join", "no");
  assert.equal(log.lines.length, 22);
});
