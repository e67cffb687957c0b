import assert from "node:assert/strict";
import {
  backoffDelay,
  defaultBackoff,
} from "../../../runtime/supervisor/backoff.ts";

Deno.test("backoffDelay() starts at half a second and grows by half to a minute", () => {
  const delays = Array.from(
    { length: 14 },
    (_, deaths) => Math.round(backoffDelay(deaths, defaultBackoff, () => 0)),
  );
  assert.deepEqual(delays, [
    500,
    750,
    1_125,
    1_688,
    2_531,
    3_797,
    5_695,
    8_543,
    12_814,
    19_222,
    28_833,
    43_249,
    60_000,
    60_000,
  ]);
});

Deno.test("backoffDelay() leaves a fifth of the wait to chance and never exceeds the maximum", () => {
  assert.equal(backoffDelay(0, defaultBackoff, () => 0.5), 450);
  assert.equal(backoffDelay(100, defaultBackoff, () => 0), 60_000);
  assert.ok(
    Math.abs(backoffDelay(0, defaultBackoff, () => 1 - Number.EPSILON) - 400) <
      0.001,
  );
});

Deno.test("backoffDelay() stays at the maximum after more deaths than a power can hold", () => {
  assert.equal(backoffDelay(1e6, defaultBackoff, () => 0), 60_000);
});
