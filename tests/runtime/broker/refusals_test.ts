import assert from "node:assert/strict";
import { Refusals } from "../../../runtime/broker/refusals.ts";

Deno.test("Refusals.log() passes each distinct text on once", () => {
  const logged: unknown[] = [];
  const refusals = new Refusals((...line) => logged.push(line));
  const properties = { key: "value" };
  for (const text of ["a", "b", "a", "b"]) refusals.log(text, properties);
  assert.deepEqual(logged, [["a", properties], ["b", properties]]);
});

Deno.test("Refusals.log() falls silent after a thousand texts, and says so", () => {
  const logged: string[] = [];
  const refusals = new Refusals((message) => logged.push(message));
  for (let i = 0; i < 5_000; i++) refusals.log(`text ${i}`);
  assert.equal(logged.length, 1_001);
  assert.equal(
    logged.at(-1),
    "text 1000; further refusals are not logged",
  );
});
