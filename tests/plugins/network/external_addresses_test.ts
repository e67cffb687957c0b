import assert from "node:assert/strict";
import { externalAddresses } from "../../../plugins/network/external_addresses.ts";

const interfaces = [
  ["lo", "127.0.0.1/8"],
  ["lo", "::1/128"],
  ["eth0", "169.254.3.4/16"],
  ["eth0", "203.0.113.5/24"],
  ["eth0", "192.0.2.5/24"],
  ["eth0", "fe80::5/64"],
  ["eth0", "2001:db8::5/64"],
  ["eth1:1", "198.51.100.5/24"],
].map(([name = "", cidr = ""]) => ({
  name,
  cidr,
  address: cidr.split("/")[0] ?? "",
}));

Deno.test("externalAddresses() takes the address that shares the gateway's net", () => {
  const route = { family: "ipv4", dev: "eth0", gateway: "192.0.2.1" } as const;
  assert.deepEqual(externalAddresses(interfaces, [route]), ["192.0.2.5"]);
});

Deno.test("externalAddresses() takes the first address of the link where the gateway is in no net of it", () => {
  for (const gateway of [undefined, "10.0.0.1"]) {
    const route = { family: "ipv4", dev: "eth0", gateway } as const;
    assert.deepEqual(externalAddresses(interfaces, [route]), ["203.0.113.5"]);
  }
});

Deno.test("externalAddresses() takes the source that the route says", () => {
  const route = {
    family: "ipv4",
    dev: "eth0",
    gateway: "192.0.2.1",
    source: "203.0.113.5",
  } as const;
  assert.deepEqual(externalAddresses(interfaces, [route]), ["203.0.113.5"]);
});

Deno.test("externalAddresses() finds an address that has a label of its own", () => {
  assert.deepEqual(
    externalAddresses(interfaces, [{ family: "ipv4", dev: "eth1" }]),
    ["198.51.100.5"],
  );
});

Deno.test("externalAddresses() puts IPv4 first, and never an address of the link alone", () => {
  const routes = [
    { family: "ipv6", dev: "eth0", gateway: "fe80::1" },
    { family: "ipv4", dev: "eth0", gateway: "192.0.2.1" },
  ] as const;
  assert.deepEqual(externalAddresses(interfaces, routes), [
    "192.0.2.5",
    "2001:db8::5",
  ]);
});

Deno.test("externalAddresses() has none without a route, or without an address on it", () => {
  assert.deepEqual(externalAddresses(interfaces, []), []);
  assert.deepEqual(
    externalAddresses(interfaces, [{ family: "ipv6", dev: "eth1" }]),
    [],
  );
});

Deno.test("externalAddresses() takes what others could reach where nothing tells the routes", () => {
  assert.deepEqual(externalAddresses(interfaces, undefined), [
    "203.0.113.5",
    "192.0.2.5",
    "198.51.100.5",
    "2001:db8::5",
  ]);
});
