import { statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { inputProblem } from "../service/input_problem.ts";
import { GrantError } from "./errors.ts";
import { EVERYWHERE, tcpAddressProblem } from "./granted_address.ts";
import { KNOWN_SERVICES } from "./known_services.ts";
import type { Grant, GrantedUse, PluginEntry, Variables } from "./manifest.ts";
import { formatPath, type JsonPath } from "./manifest_source.ts";
import { linkOutOfCode } from "./own_code.ts";
import { packageFolder } from "./package_folder.ts";
import type { PathGuard } from "./path_guard.ts";
import { Refusal } from "./refusal.ts";
import { packagesIn, resolveVariables, variableValue } from "./variables.ts";

/**
 * Resolves what a plugin may touch on this node, and refuses what none may: whole folders of the
 * node, what the guard says, and what lies behind a symbolic link.
 *
 * Looks at the disk as it is: call it once the node's folders are made and locked, and before any
 * plugin runs.
 *
 * @param entry The plugin's entry, as `parseManifest` gives it.
 * @param variables This node's values.
 * @param guard Knows what no plugin may be granted: the manifest, the program and its code, the config,
 *   the node's secrets, its sockets.
 * @returns The grant.
 * @throws {GrantError} With every problem, each with its place in the manifest.
 */
export async function resolveGrant(
  entry: PluginEntry,
  variables: Variables,
  guard: PathGuard,
): Promise<Grant> {
  const packages = await packageFolders(entry);
  const problems: string[] = [];
  const link = await linkOutOfCode(entry.module);
  if (link !== undefined) {
    problems.push(problemOf(entry, ["module"], entry.module.href, link));
  }

  const attempt = (
    at: JsonPath,
    text: string,
    resolve: (text: string) => string,
  ): string => {
    try {
      return resolve(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problems.push(problemOf(entry, at, text, error.message));
      return text;
    }
  };
  const list = (
    key: "read" | "write" | "net",
    resolve: (text: string) => string,
  ) =>
    entry.permissions[key].map((text, index) =>
      attempt(["permissions", key, index], text, resolve)
    );
  const valueOf = (name: string) => variableValue(name, variables, packages);
  const resolvePath = (text: string, access: "read" | "write") => {
    const [variable = ""] = /^\$\{[^}]*\}/.exec(text) ?? [];
    const base = resolveVariables(variable, valueOf);
    const path = base + text.slice(variable.length);
    refuse(guard.problem({ text, path, base: base || "/" }, access), path);
    return path;
  };
  const contracts = entry.contracts.map((url, index) =>
    attempt(["contracts", index], fileURLToPath(url), (path) => {
      // What a folder holds could lead out of it.
      refuse(
        statSync(path, { throwIfNoEntry: false })?.isFile()
          ? guard.problem({ text: path, path, base: dirname(path) }, "read")
          : "There is no such file",
        path,
      );
      return path;
    })
  );
  const resolveAddress = (text: string) => {
    if (text.startsWith(UNIX)) {
      return UNIX + resolvePath(text.slice(UNIX.length), "write");
    }
    if (text === EVERYWHERE) return text;
    const address = resolveVariables(text, valueOf);
    refuse(tcpAddressProblem(address), address);
    return address;
  };
  const resolveScope = (scope: unknown, at: JsonPath): unknown => {
    if (typeof scope === "string") {
      return attempt(
        at,
        scope,
        (text) => resolveVariables(text, (name) => literal(valueOf(name))),
      );
    }
    if (Array.isArray(scope)) {
      return scope.map((one, index) => resolveScope(one, [...at, index]));
    }
    if (typeof scope !== "object" || scope === null) return scope;
    return Object.fromEntries(
      Object.entries(scope).map(([key, one]) => [
        key,
        resolveScope(one, [...at, key]),
      ]),
    );
  };

  const permissions = {
    read: [
      ...contracts,
      ...list("read", (text) => resolvePath(text, "read")),
    ],
    write: list("write", (text) => resolvePath(text, "write")),
    net: list("net", resolveAddress),
    env: [...entry.permissions.env],
    sys: [...entry.permissions.sys],
  };
  // Without a prototype: who looks for a use named "constructor" finds none.
  const uses: Record<string, GrantedUse> = Object.create(null);
  for (const [service, use] of Object.entries(entry.uses)) {
    const at = ["uses", service, "scope"];
    const scope = resolveScope(use.scope, at);
    const known = KNOWN_SERVICES.get(service)?.scope ?? v.unknown();
    const { output, issues } = v.safeParse(known, scope);
    uses[service] = { ...use, scope: output };
    if (issues !== undefined) {
      problems.push(problemOf(entry, at, scope, inputProblem(issues)));
    }
  }
  if (problems.length > 0) throw new GrantError(entry.name, problems);
  return { permissions, uses };
}

const UNIX = "unix:";

/** The folders of the npm packages that an entry names, or why there is none. */
async function packageFolders(
  { permissions, uses }: PluginEntry,
): Promise<ReadonlyMap<string, string | Error>> {
  const folders = new Map<string, string | Error>();
  for (const name of packagesIn(JSON.stringify([permissions, uses]))) {
    const folder = await packageFolder(name).catch((error: Error) => error);
    folders.set(name, folder);
  }
  return folders;
}

function refuse(advice: string | undefined, resolved: string): void {
  if (advice !== undefined) {
    throw new Refusal(
      `On this node it is ${JSON.stringify(resolved)}. ${advice}`,
    );
  }
}

/** A scope may be a pattern, in which a value stands for itself alone. */
function literal(value: string): string {
  if (!value.includes("*")) return value;
  throw new Refusal(
    `A variable in it is "${value}" on this node, and "*" stands for anything in a scope; choose a path without it`,
  );
}

function problemOf(
  entry: PluginEntry,
  at: JsonPath,
  value: unknown,
  advice: string,
): string {
  return `${entry.locate(at)}: ${
    formatPath(["plugins", entry.name, ...at])
  } is ${JSON.stringify(value)}: ${advice}`;
}
