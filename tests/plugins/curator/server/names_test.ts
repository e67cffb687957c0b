import assert from "node:assert/strict";
import { checkName } from "../../../../plugins/curator/server/names.ts";
import { nodeIdOf } from "../../../../plugins/curator/server/node_key.ts";
import { newMachine } from "./harness.ts";

const ID = "hamlet-0123456789abcdef0123456789abcdef";
const OTHER = "hamlet-fedcba9876543210fedcba9876543210";

Deno.test("checkName() allows a DNS label and the node's own ID", () => {
  for (const name of ["a", "web-1", "0", "x".repeat(63), ID]) {
    checkName(name, ID);
  }
});

Deno.test("checkName() refuses what would mislead or break a hosts file", () => {
  for (
    const name of [
      "",
      "localhost",
      OTHER,
      "Web",
      "-a",
      "a-",
      "a.b",
      "a b",
      "a\n10.0.0.1 bank",
      "a#",
      "é",
      "x".repeat(64),
    ]
  ) {
    assert.throws(() => checkName(name, ID), { reason: "bad-name" }, name);
  }
});

Deno.test("nodeIdOf() is the first half of the key, and refuses other keys", () => {
  const { publicKey } = newMachine();
  assert.equal(
    nodeIdOf(publicKey),
    `hamlet-${publicKey.subarray(12, 28).toHex()}`,
  );
  assert.throws(() => nodeIdOf(publicKey.subarray(1)), /43 bytes/);
  assert.throws(() => nodeIdOf(new Uint8Array(44)), /not an Ed25519 key/);
});
