import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "../support/process.ts";

const runtime = new URL("../../runtime/", import.meta.url);

/** What `deno info --json` says of a module, as far as it is needed here. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/** The folder of `runtime/` that a module is in, or the module where it lies in none; undefined elsewhere. */
function partOf(specifier: string): string | undefined {
  return specifier.startsWith(runtime.href)
    ? specifier.slice(runtime.href.length).replace(/\/.*/, "")
    : undefined;
}

/** Everything that a module of `runtime/` imports, and what that does. */
async function graphOf(entry: string): Promise<ModuleGraph> {
  const path = fileURLToPath(new URL(entry, runtime));
  const { stdout } = await run(Deno.execPath(), [
    "info",
    "--json",
    "--no-remote",
    path,
  ]);
  return JSON.parse(stdout);
}

/** Which part imports which, types included. */
async function imports(): Promise<Map<string, Set<string>>> {
  // The program, and what a plugin's thread begins with.
  const entries = ["cli/main.ts", "plugin/bootstrap.ts"];
  const graphs = await Promise.all(entries.map(graphOf));
  const found = new Map<string, Set<string>>();
  for (const { modules } of graphs) {
    for (const { specifier, dependencies = [] } of modules) {
      const from = partOf(specifier);
      if (from === undefined) continue;
      const targets = found.getOrInsertComputed(from, () => new Set());
      for (const { code, type } of dependencies) {
        for (const target of [code?.specifier, type?.specifier]) {
          const to = target === undefined ? undefined : partOf(target);
          if (to !== undefined && to !== from) targets.add(to);
        }
      }
    }
  }
  return found;
}

Deno.test("the parts of runtime/ import one another in no circle", async () => {
  const graph = await imports();
  assert.ok(graph.get("node")?.has("admin"), "The imports are not seen");
  const circles: string[] = [];
  const finished = new Set<string>();
  const visit = (part: string, above: readonly string[]) => {
    if (above.includes(part)) {
      circles.push([...above.slice(above.indexOf(part)), part].join(" → "));
    }
    if (above.includes(part) || finished.has(part)) return;
    for (const next of graph.get(part) ?? []) visit(next, [...above, part]);
    finished.add(part);
  };
  for (const part of graph.keys()) visit(part, []);
  assert.deepEqual(circles, []);
});
