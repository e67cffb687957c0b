import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { keyRange, prefixEnd } from "../../../plugins/consensus/key_range.ts";

Deno.test("keyRange() of a key is that key alone", () => {
  assert.deepEqual(keyRange({ key: "/a/" }), { key: Buffer.from("/a/") });
});

Deno.test("prefixEnd() comes right after everything that starts with the prefix", () => {
  for (const prefix of ["/foo/", "a", "\x00", "\x7f", "é", "\u{10ffff}"]) {
    const end = prefixEnd(prefix);
    const last = Buffer.concat([Buffer.from(prefix), Buffer.alloc(8, 0xff)]);
    assert.ok(Buffer.compare(last, end) < 0, prefix);
    // Nothing lies between: the end itself no longer starts with the prefix and is as short as it can be.
    const before = Buffer.from(end);
    before[before.length - 1] = (before.at(-1) ?? 0) - 1;
    assert.deepEqual(before, Buffer.from(prefix));
  }
});
