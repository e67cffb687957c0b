import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
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
  const { $schema, $defs: _inlined, ...schema } = toJsonSchema(
    v.looseObject({ extends: ExtendsSchema, plugins: PluginsSchema }),
    {
      // What a person writes: defaults need not be there.
      typeMode: "input",
      // What only the program can check.
      ignoreActions: ["check", "check_items", "raw_check"],
      overrideSchema({ jsonSchema, definitions }) {
        if (jsonSchema.required?.length === 0) delete jsonSchema.required;
        // What is lazy comes as a reference; it is not for holding itself, so its place can have it.
        const id = jsonSchema.$ref?.replace("#/$defs/", "");
        return id === undefined ? jsonSchema : definitions[id];
      },
    },
  );
  return {
    $schema,
    title: "Hamlet's manifest",
    description: DESCRIPTION,
    ...schema,
  };
}
