/**
 * Writes docs/manifest.schema.json, the schema of the manifest for editors. To be run after a change
 * of runtime/manifest/schema.ts or of a service's methods or scope:
 *
 *     deno run --allow-read --allow-write=docs scripts/schema.ts
 *
 * @module
 */
import { manifestJsonSchema } from "../runtime/manifest/json_schema.ts";

await Deno.writeTextFile(
  new URL("../docs/manifest.schema.json", import.meta.url),
  `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`,
);
