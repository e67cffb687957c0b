/** Lets the plugin start without any address, gives it one, and takes it away. */
import assert from "node:assert/strict";
import { observedNode } from "../../runtime/node/observed_node.ts";
import { tempFolder } from "../../support/temp.ts";
import { ip } from "../in_namespace.ts";

await using folder = await tempFolder();
const hosts = `${folder.path}/run/hosts`;
await using observed = await observedNode(folder.path, {
  plugins: ["network", "hostsfile"],
  name: "node-1",
});
const { id } = observed.node.info;
await observed.node.ready;
assert.equal(
  await Deno.readTextFile(hosts),
  "127.0.0.1 localhost\n::1 localhost\n",
);
await observed.logged(/Wrote .*: localhost alone/);

await ip("link add eth0 type veth peer name peer0");
await ip("address add 192.0.2.5/24 dev eth0");
await ip("link set eth0 up");
await ip("link set peer0 up");
await ip("route add default via 192.0.2.1");
await observed.logged(/Wrote .*: added node-1 \(192\.0\.2\.5\)/);
const full = `127.0.0.1 localhost\n::1 localhost\n192.0.2.5 ${id} node-1\n`;
assert.equal(await Deno.readTextFile(hosts), full);
const { ino } = await Deno.stat(hosts);

// A lost address is ignored: nothing is written.
await ip("route delete default");
await observed.status(({ node }) => node.address === undefined);
await ip("address add 203.0.113.5/24 dev eth0");
await ip("route add default via 203.0.113.1");
await observed.logged(
  /Wrote .*: changed node-1 \(203\.0\.113\.5, was 192\.0\.2\.5\)/,
);
assert.notEqual((await Deno.stat(hosts)).ino, ino, "Not replaced at once");
const { length } = observed.lines.filter((line) => line.includes("Wrote"));
assert.equal(length, 0, "Written more often than it changed");
