import assert from "node:assert/strict";
import * as v from "valibot";
import { KNOWN_SERVICES } from "../../../runtime/manifest/known_services.ts";
import { parseManifest } from "../../../runtime/manifest/mod.ts";

Deno.test("KNOWN_SERVICES has an example of every scope that is required, which a manifest may say", () => {
  for (const [name, { scope, exampleScope }] of KNOWN_SERVICES) {
    const example = exampleScope?.("mine");
    const required = !v.is(scope, undefined);
    assert.equal(example !== undefined, required, name);
    const { plugins } = parseManifest(
      JSON.stringify({
        plugins: {
          mine: {
            module: "./mine.ts",
            uses: { [name]: { scope: example, optional: true } },
          },
        },
      }),
      "/opt/hamlet/deno.json",
    );
    assert.deepEqual(plugins[0]?.uses[name]?.scope, example);
  }
});
