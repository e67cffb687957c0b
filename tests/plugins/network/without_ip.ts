/** Follows what the plugin makes of a machine without `ip`. */
import assert from "node:assert/strict";
import { observedNode } from "../../runtime/node/observed_node.ts";
import { tempFolder } from "../../support/temp.ts";
import { ip } from "../in_namespace.ts";

await ip("link add eth0 type veth peer name peer0");
await ip("address add 192.0.2.5/24 dev eth0");
await ip("link set eth0 up");

await using folder = await tempFolder();
await Deno.symlink("/usr/bin/setpriv", `${folder.path}/setpriv`);
const path = Deno.env.get("PATH") ?? "";
Deno.env.set("PATH", folder.path);
await using observed = await observedNode(folder.path, {
  plugins: ["network"],
});
await observed.node.ready;
await observed.logged(
  /Looking for a new address every 5 s, since nobody tells of it: Cannot find the program \\"ip\\"/,
);
await observed.status(({ node }) => node.address === "192.0.2.5");
Deno.env.set("PATH", path);
await ip("address add 203.0.113.5/24 dev eth0");
await ip("address delete 192.0.2.5/24 dev eth0");
Deno.env.set("PATH", folder.path);
const { ready } = await observed.status(({ node }) =>
  node.address === "203.0.113.5"
);
assert(ready);
