import assert from "node:assert/strict";
import {
  acceptAddresses,
  blockList,
  canonicalAddress,
} from "../../../../plugins/curator/server/addresses.ts";

Deno.test("canonicalAddress() writes one address in one way", () => {
  assert.equal(canonicalAddress("192.0.2.1"), "192.0.2.1");
  assert.equal(canonicalAddress("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(canonicalAddress("2001:DB8:0:0::1"), "2001:db8::1");
});

Deno.test("canonicalAddress() knows no address that another machine could not use", () => {
  for (
    const text of [
      "",
      "web-1",
      "192.0.2.1 bank",
      "192.0.2.1\n",
      "0.0.0.0",
      "::",
      "255.255.255.255",
      "224.0.0.1",
      "fe80::1",
      "fe80::1%eth0",
      "ff02::1",
      "192.0.2.1/24",
    ]
  ) {
    assert.equal(canonicalAddress(text), undefined, text);
  }
});

const none = blockList([]);

Deno.test("acceptAddresses() believes where a report comes from, and what was believed before", () => {
  assert.deepEqual(
    acceptAddresses(["192.0.2.1", "2001:db8::1", "192.0.2.9", "x"], {
      source: "192.0.2.1",
      known: ["2001:db8::1"],
      trusted: none,
    }),
    { accepted: ["192.0.2.1", "2001:db8::1"], refused: ["192.0.2.9", "x"] },
  );
});

Deno.test("acceptAddresses() believes what the operator allows", () => {
  assert.deepEqual(
    acceptAddresses(["192.0.2.200", "192.0.3.1", "2001:db8:1::5"], {
      source: "198.51.100.1",
      known: [],
      trusted: blockList(["192.0.2.0/24", "2001:db8:1::/48"]),
    }),
    { accepted: ["192.0.2.200", "2001:db8:1::5"], refused: ["192.0.3.1"] },
  );
});

Deno.test("acceptAddresses() believes any address of whoever may name any, but nothing that is none", () => {
  assert.deepEqual(
    acceptAddresses(["192.0.2.1", "192.0.2.1", "0.0.0.0"], {
      source: undefined,
      known: [],
      trusted: none,
    }),
    { accepted: ["192.0.2.1"], refused: ["0.0.0.0"] },
  );
});
