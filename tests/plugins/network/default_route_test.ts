import assert from "node:assert/strict";
import { parseDefaultRoutes } from "../../../plugins/network/default_route.ts";

Deno.test("parseDefaultRoutes() reads the routes in the order in which the kernel prefers them", () => {
  const json = JSON.stringify([
    {
      dst: "default",
      gateway: "192.0.2.1",
      dev: "wlan0",
      protocol: "dhcp",
      prefsrc: "192.0.2.9",
      metric: 600,
      flags: [],
    },
    {
      dst: "default",
      gateway: "198.51.100.1",
      dev: "eth0",
      metric: 100,
      flags: [],
    },
    { dst: "default", dev: "tun0", scope: "link", flags: [] },
  ]);
  assert.deepEqual(parseDefaultRoutes(json, "ipv4"), [
    { family: "ipv4", dev: "tun0", gateway: undefined, source: undefined },
    { family: "ipv4", dev: "eth0", gateway: "198.51.100.1", source: undefined },
    { family: "ipv4", dev: "wlan0", gateway: "192.0.2.1", source: "192.0.2.9" },
  ]);
});

Deno.test("parseDefaultRoutes() reads every hop of a route over several links", () => {
  const json = JSON.stringify([{
    dst: "default",
    flags: [],
    nexthops: [
      { gateway: "192.0.2.1", dev: "eth0", weight: 1, flags: [] },
      {
        gateway: "198.51.100.1",
        dev: "eth1",
        weight: 1,
        flags: ["dead", "linkdown"],
      },
    ],
  }]);
  assert.deepEqual(parseDefaultRoutes(json, "ipv4").map(({ dev }) => dev), [
    "eth0",
  ]);
});

Deno.test("parseDefaultRoutes() leaves out what leads nowhere", () => {
  const json = JSON.stringify([
    {
      type: "unreachable",
      dst: "default",
      dev: "lo",
      metric: 4294967295,
      flags: [],
    },
    {
      dst: "default",
      gateway: "2001:db8::1",
      dev: "eth0",
      flags: ["linkdown"],
    },
  ]);
  assert.deepEqual(parseDefaultRoutes(json, "ipv6"), []);
});

Deno.test("parseDefaultRoutes() takes nothing at all for no route", () => {
  assert.deepEqual(parseDefaultRoutes("", "ipv4"), []);
  assert.deepEqual(parseDefaultRoutes("[]\n", "ipv4"), []);
});

Deno.test("parseDefaultRoutes() refuses what is not of that form", () => {
  for (const text of ["{}", "[1]", "Usage: ip route"]) {
    assert.throws(() => parseDefaultRoutes(text, "ipv4"));
  }
});
