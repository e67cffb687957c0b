import { z } from "zod";
import { ExtendsSchema, PluginsSchema } from "./schema.ts";

const DESCRIPTION =
  'The section "plugins" of Hamlet\'s deno.json. An editor completes and checks it once it is told: in ' +
  'VS Code, by "json.schemas": [{"fileMatch": ["deno.json"], "url": "./docs/manifest.schema.json"}] in its ' +
  "settings, which leaves Deno's own schema for the rest of the file in force.";

/**
 * Publishes the manifest's schema for editors.
 *
 * @returns A JSON Schema of `deno.json`, draft 7 as editors know it, of which it describes `plugins`.
 */
export function manifestJsonSchema(): unknown {
  const { $schema, ...schema } = z.toJSONSchema(
    z.looseObject({ extends: ExtendsSchema, plugins: PluginsSchema }),
    {
      target: "draft-7",
      // What a person writes: defaults need not be there.
      io: "input",
    },
  );
  return {
    $schema,
    title: "Hamlet's manifest",
    description: DESCRIPTION,
    ...schema,
  };
}
