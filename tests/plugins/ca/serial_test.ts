import assert from "node:assert/strict";
import { randomSerial } from "../../../plugins/ca/serial.ts";

Deno.test("randomSerial() is positive, of 16 octets, and needs no octet for the sign", () => {
  for (let round = 0; round < 1000; round++) {
    assert.match(randomSerial(), /^[4-7][0-9a-f]{31}$/);
  }
});

Deno.test("randomSerial() has at least 64 random bits", () => {
  const rounds = 2000;
  const ones = new Array<number>(128).fill(0);
  const seen = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const serial = randomSerial();
    seen.add(serial);
    const bits = BigInt(`0x${serial}`).toString(2).padStart(128, "0");
    for (let bit = 0; bit < 128; bit++) {
      ones[bit] = (ones[bit] ?? 0) + Number(bits[bit]);
    }
  }
  assert.equal(seen.size, rounds);
  // Eight standard deviations: a fair bit fails once in 10^15 runs.
  const spread = 8 * Math.sqrt(rounds) / 2;
  const random = ones.filter((count) => Math.abs(count - rounds / 2) < spread);
  assert.equal(random.length, 126);
});
