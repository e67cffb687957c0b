import assert from "node:assert/strict";
import { observedNode } from "../../runtime/node/observed_node.ts";
import { tempFolder } from "../../support/temp.ts";
import { inNamespace } from "../in_namespace.ts";

Deno.test("network follows the default route at every change", async () => {
  await inNamespace(new URL("./follow_routes.ts", import.meta.url));
});

Deno.test("network takes the interfaces' addresses where there is no ip, and looks again", async () => {
  await inNamespace(new URL("./without_ip.ts", import.meta.url));
});

Deno.test("network tells the address that the operator gave, whatever the routes", async () => {
  await using folder = await tempFolder();
  await using observed = await observedNode(folder.path, {
    plugins: ["network"],
    advertise: "192.0.2.99",
  });
  await observed.status(({ ready, node }) =>
    ready && node.address === "192.0.2.99"
  );
  assert(
    !observed.lines.some((line) => /"level":"(error|warning)"/.test(line)),
    observed.lines.join(""),
  );
});
