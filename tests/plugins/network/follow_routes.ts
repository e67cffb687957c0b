/** Changes the routes of its own network namespace and follows what the plugin makes of them. */
import assert from "node:assert/strict";
import { observedNode } from "../../runtime/node/observed_node.ts";
import { tempFolder } from "../../support/temp.ts";
import { ip } from "../in_namespace.ts";

await ip("link set lo up");
await ip("link add eth0 type veth peer name peer0");
await ip("link set peer0 up");

await using folder = await tempFolder();
await using observed = await observedNode(folder.path, {
  plugins: ["network"],
});

// No address yet is a state, not an error.
await observed.node.ready;
const { node, ready } = await observed.status(() => true);
assert.deepEqual([ready, node.address], [true, undefined]);

await ip("address add 192.0.2.5/24 dev eth0");
await ip("link set eth0 up");
await ip("route add default via 192.0.2.1");
await observed.status(({ node }) => node.address === "192.0.2.5");

// The kernel tells nobody that it flushes the routes of a link that goes down.
await ip("link set eth0 down");
await observed.status(({ node }) => node.address === undefined);

await ip("link set eth0 up");
await ip("address add 203.0.113.5/24 dev eth0");
await ip("route add default via 192.0.2.1 src 203.0.113.5");
await observed.status(({ node }) => node.address === "203.0.113.5");

await ip("address add 2001:db8::5/64 dev eth0 nodad");
await ip("-6 route add default via 2001:db8::1");
await ip("route delete default");
await observed.status(({ node }) => node.address === "2001:db8::5");

const { ready: still, plugins: [network] } = await observed.status(() => true);
assert.deepEqual([still, network?.restarts], [true, 0]);
