/** Lets the plugin keep its block in the `/etc/hosts` of its own mount namespace, which is a mount point itself. */
import assert from "node:assert/strict";
import { observedNode } from "../../runtime/node/observed_node.ts";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";

await using folder = await tempFolder();
const { path } = folder;
await Deno.writeTextFile(
  `${path}/hosts`,
  "127.0.0.1 localhost\n192.0.2.99 mine # as it was\n",
);
// As `ip netns exec` and containers do it; it ends with this process.
await run("mount", ["--bind", `${path}/hosts`, "/etc/hosts"]);
await Deno.writeTextFile(
  `${path}/config.json`,
  JSON.stringify({ plugins: { hostsfile: { etcHosts: true } } }),
);

await using observed = await observedNode(path, {
  plugins: ["network", "hostsfile"],
  name: "node-1",
  advertise: "192.0.2.7",
  config: `${path}/config.json`,
});
await observed.node.ready;
await observed.logged(/This system resolves \\"node-1\\" to 192\.0\.2\.7/);
const text = await Deno.readTextFile("/etc/hosts");
assert(
  text.startsWith("127.0.0.1 localhost\n192.0.2.99 mine # as it was\n# Begin"),
);
assert(text.endsWith(
  `\n192.0.2.7 ${observed.node.info.id} node-1\n# End of the nodes of Hamlet\n`,
));
