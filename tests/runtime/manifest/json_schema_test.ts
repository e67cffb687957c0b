import assert from "node:assert/strict";
import { manifestJsonSchema } from "../../../runtime/manifest/json_schema.ts";

Deno.test("manifestJsonSchema() is what docs/manifest.schema.json has", async () => {
  const file = new URL("../../../docs/manifest.schema.json", import.meta.url);
  assert.deepEqual(
    JSON.parse(await Deno.readTextFile(file)),
    JSON.parse(JSON.stringify(manifestJsonSchema())),
    "docs/manifest.schema.json is out of date: run scripts/schema.ts",
  );
});
