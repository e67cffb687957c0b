import type { z } from "zod";
import { ManifestError } from "./errors.ts";
import type { Manifest, PluginEntry, UseEntry } from "./manifest.ts";
import { ManifestSource } from "./manifest_source.ts";
import { moduleUrl } from "./module_url.ts";
import { outline } from "./outline.ts";
import { ownershipProblems } from "./ownership_problems.ts";
import { type PluginSchema, PluginsSchema } from "./schema.ts";
import { serviceProblems } from "./service_problems.ts";
import { shapeProblems } from "./shape_problems.ts";

/**
 * Reads the plugins that a `deno.json` declares, and checks them as far as that is possible without
 * a node: the shape of each entry, the services between them, and who may write what.
 *
 * @param text The file's text: JSON with comments and trailing commas.
 * @param path The file's path; modules are relative to it.
 * @returns The plugins, in the order of the file.
 * @throws {ManifestError} With every problem, each with its place and what would be right.
 */
export function parseManifest(text: string, path: string): Manifest {
  const source = new ManifestSource(text, path);
  const problems = source.duplicateKeys(["plugins"]);
  const section = source.value(["plugins"]);
  const { data, error } = PluginsSchema.safeParse(section);
  if (error !== undefined) {
    problems.push(...shapeProblems(source, error, ["plugins"]));
  }
  const outlines = Object.entries(Object(section)).map(([name, entry]) =>
    outline(name, entry)
  );
  problems.push(
    ...ownershipProblems(source, outlines),
    ...serviceProblems(source, outlines),
  );

  const modules = new Map<string, URL>();
  for (const { name, module } of outlines) {
    if (module === undefined) continue;
    const url = moduleUrl(module, path);
    if (url instanceof URL) modules.set(name, url);
    else problems.push(source.problem(["plugins", name, "module"], url));
  }
  if (data === undefined || problems.length > 0) {
    throw new ManifestError(problems);
  }

  const plugins: PluginEntry[] = [];
  for (const [name, { shares: _, uses, ...entry }] of Object.entries(data)) {
    const module = modules.get(name);
    if (module === undefined) continue;
    plugins.push({
      ...entry,
      name,
      module,
      uses: usesOf(
        uses,
        (service) => source.value(["plugins", name, "uses", service, "scope"]),
      ),
      locate: (path = []) => source.locate(["plugins", name, ...path]),
    });
  }
  return { plugins };
}

/** With scopes as they are written: they are parsed once their variables have been resolved. */
function usesOf(
  uses: z.output<typeof PluginSchema>["uses"],
  scopeOf: (service: string) => unknown,
): Readonly<Record<string, UseEntry>> {
  // Without a prototype: who looks for a use named "constructor" finds none.
  const entries: Record<string, UseEntry> = Object.create(null);
  for (const [service, use] of Object.entries(uses)) {
    if (use === undefined) continue;
    const { methods, optional } = use;
    entries[service] = {
      optional,
      ...(methods === undefined ? {} : { methods }),
      scope: scopeOf(service),
    };
  }
  return entries;
}
