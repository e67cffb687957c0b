import assert from "node:assert/strict";
import { parseManifest } from "../../../runtime/manifest/mod.ts";
import { choosePlugins } from "../../../runtime/node/choose_plugins.ts";
import { StartError } from "../../../runtime/node/errors.ts";

Deno.test("choosePlugins() refuses a node that would have no plugin", () => {
  const manifest = parseManifest(
    `{ "plugins": { "x": { "module": "./x.ts", "roles": ["worker"] } } }`,
    "/opt/hamlet/deno.json",
  );
  assert.throws(
    () => choosePlugins(manifest, undefined, "member"),
    (error) =>
      error instanceof StartError && error.exitCode === 1 &&
      /^Cannot start a node without plugins: /.test(error.message),
  );
});
