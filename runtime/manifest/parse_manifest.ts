import * as v from "valibot";
import { ManifestError } from "./errors.ts";
import type { Manifest, PluginEntry, UseEntry } from "./manifest.ts";
import { type JsonPath, ManifestSource } from "./manifest_source.ts";
import { moduleUrl } from "./module_url.ts";
import { type Outline, outline, UNREADABLE } from "./outline.ts";
import { ownershipProblems } from "./ownership_problems.ts";
import { ExtendsSchema, type PluginSchema, PluginsSchema } from "./schema.ts";
import { serviceProblems } from "./service_problems.ts";
import { shapeProblems } from "./shape_problems.ts";

/** A `deno.json` that another one takes over. */
export interface ManifestFile {
  readonly text: string;
  readonly path: string;
}

/** What one file declares. */
interface Declared {
  readonly source: ManifestSource;
  readonly problems: readonly string[];
  readonly outlines: readonly Outline[];
  readonly plugins: readonly PluginEntry[];
}

/**
 * Reads the plugins that a `deno.json` declares, and checks them as far as that is possible without
 * a node: the shape of each entry, the services between them, and who may write what.
 *
 * @param text The file's text: JSON with comments and trailing commas.
 * @param path The file's path; modules are relative to it.
 * @param builtIn Hamlet's own file, of which a file that says `"extends": "hamlet"` takes over the plugins; undefined
 * where this is the one.
 * @returns The plugins, in the order of the files.
 * @throws {ManifestError} With every problem, each with its place and what would be right.
 */
export function parseManifest(
  text: string,
  path: string,
  builtIn?: ManifestFile,
): Manifest {
  const own = readEntries({ text, path });
  const problems = [...own.problems];
  const extended = own.source.value(["extends"]);
  const { issues } = v.safeParse(ExtendsSchema, extended);
  if (issues !== undefined) {
    problems.push(...shapeProblems(own.source, issues, ["extends"]));
  } else if (extended !== undefined && builtIn === undefined) {
    problems.push(
      own.source.problem(
        ["extends"],
        "This file is Hamlet's own; leave it out",
      ),
    );
  }
  const base = extended === undefined || builtIn === undefined
    ? undefined
    : readEntries(builtIn);
  problems.push(...base?.problems ?? []);

  const sources = new Map<string, ManifestSource>();
  const outlines: Outline[] = [];
  for (const declared of base === undefined ? [own] : [base, own]) {
    for (const one of declared.outlines) {
      const other = sources.get(one.name);
      if (other === undefined) {
        sources.set(one.name, declared.source);
        outlines.push(one);
        continue;
      }
      const at = ["plugins", one.name];
      problems.push(declared.source.problem(
        at,
        `It is there already, at ${other.locate(at)}; choose another name`,
      ));
    }
  }
  const source: Pick<ManifestSource, "problem"> = {
    problem: (path, advice) =>
      (sources.get(String(path[1])) ?? own.source).problem(path, advice),
  };
  problems.push(
    ...ownershipProblems(source, outlines),
    ...serviceProblems(source, outlines),
  );
  if (problems.length > 0) throw new ManifestError(problems);
  return { plugins: [...base?.plugins ?? [], ...own.plugins] };
}

/** Reads one file by itself. */
function readEntries({ text, path }: ManifestFile): Declared {
  const source = new ManifestSource(text, path);
  const problems = source.duplicateKeys(["plugins"]);
  const section = source.value(["plugins"]);
  const parsed = v.safeParse(PluginsSchema, section);
  problems.push(...shapeProblems(source, parsed.issues ?? [], ["plugins"]));
  const outlines = Object.entries(Object(section)).map(([name, entry]) =>
    outline(name, entry)
  );
  /** By the path in the file. */
  const modules = new Map<string, URL>();
  const resolve = (at: JsonPath, module: string) => {
    const url = moduleUrl(module, path);
    if (url instanceof URL) modules.set(module, url);
    else problems.push(source.problem(at, url));
  };
  for (const { name, module, contracts } of outlines) {
    const at = ["plugins", name];
    if (module !== undefined) resolve([...at, "module"], module);
    for (const [index, contract] of contracts.entries()) {
      if (contract === UNREADABLE) continue;
      resolve([...at, "contracts", index], contract);
    }
  }

  const plugins: PluginEntry[] = [];
  for (
    const [name, { uses, ...entry }] of Object.entries(
      parsed.success ? parsed.output : {},
    )
  ) {
    const module = modules.get(entry.module);
    if (module === undefined) continue;
    plugins.push({
      ...entry,
      name,
      module,
      contracts: entry.contracts.flatMap((one) => modules.get(one) ?? []),
      uses: usesOf(
        uses,
        (service) => source.value(["plugins", name, "uses", service, "scope"]),
      ),
      locate: (path = []) => source.locate(["plugins", name, ...path]),
    });
  }
  return { source, problems, outlines, plugins };
}

/** With scopes as they are written: they are parsed once their variables have been resolved. */
function usesOf(
  uses: v.InferOutput<typeof PluginSchema>["uses"],
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
