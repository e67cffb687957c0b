import assert from "node:assert/strict";
import { Refusals, RefusalsByUser } from "../../../runtime/broker/refusals.ts";

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

Deno.test("Refusals.log() remembers no more of a text than the log keeps", () => {
  const logged: string[] = [];
  const refusals = new Refusals((message) => logged.push(message));
  const long = "x".repeat(1_000_000);
  for (const end of ["a", "b"]) refusals.log(long + end);
  assert.equal(logged.length, 1);
  assert.ok(logged.join().length < 20_000);
});

Deno.test("RefusalsByUser.of() keeps users apart, and each over its connections", () => {
  const logged: string[] = [];
  const refusals = new RefusalsByUser((message) => logged.push(message));
  for (let i = 0; i < 5_000; i++) refusals.of("loud").log(`text ${i}`);
  logged.length = 0;
  for (const user of ["quiet", "quiet"]) refusals.of(user).log("text");
  assert.deepEqual(logged, ["text"]);
});
