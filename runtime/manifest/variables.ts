import { isIPv4, isIPv6 } from "node:net";
import type { Variables } from "./manifest.ts";
import { Refusal } from "./refusal.ts";

/** What `${…}` may name in permissions and scopes, beside `package:NAME`. */
export const VARIABLE_NAMES = [
  "data",
  "run",
  "config",
  "node",
  "name",
  "listen",
  "peerPort",
  "curatorPort",
] as const satisfies readonly (keyof Variables)[];

/** As npm allows them; in particular without `..`. */
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

const DNS_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** What the name of a package's folder starts with. */
const PACKAGE = "package:";

/** `${NAME}`; also one that is never closed, which no text may contain. */
const REFERENCE = /\$\{([^}]*)(\}?)/g;

/**
 * What is wrong with the variables that a text names.
 *
 * @param text A string of the manifest.
 * @param allowed The variables that make sense there; `package:NAME` stands for every package.
 * @returns The advice, or undefined where they are right.
 */
export function variableProblem(
  text: string,
  allowed: readonly (keyof Variables | "package:NAME")[],
): string | undefined {
  for (const [reference, name = "", end] of text.matchAll(REFERENCE)) {
    if (end === "") return `Close "${reference}" with "}"`;
    const known = name.startsWith(PACKAGE)
      ? allowed.includes("package:NAME") &&
        PACKAGE_NAME.test(name.slice(PACKAGE.length))
      : allowed.some((one) => one === name);
    if (!known) {
      const list = allowed.map((one) => `\${${one}}`).join(", ");
      return `"${reference}" is not a variable here; known are ${list}`;
    }
  }
}

/**
 * Lists the npm packages whose folders a text names.
 *
 * @param text A string of the manifest, or several in one.
 * @returns Their names, each once.
 */
export function packagesIn(text: string): string[] {
  const names = Array.from(text.matchAll(REFERENCE), ([, name = ""]) => name);
  return [...new Set(names)]
    .filter((name) => name.startsWith(PACKAGE))
    .map((name) => name.slice(PACKAGE.length));
}

/**
 * Puts values in place of variables, once: a value that looks like a variable stays as it is.
 *
 * @param text A string of the manifest.
 * @param valueOf The value of a variable by its name.
 * @returns The text without variables.
 */
export function resolveVariables(
  text: string,
  valueOf: (name: string) => string,
): string {
  return text.replaceAll(REFERENCE, (_, name: string) => valueOf(name));
}

/**
 * The text that stands for a variable on this node.
 *
 * @param name The variable's name.
 * @param variables This node's values.
 * @param packages The folders of npm packages, by name, or why there is none.
 * @throws {Refusal} Where it has no value, or one that would change the meaning of what is around it.
 */
export function variableValue(
  name: string,
  variables: Variables,
  packages: ReadonlyMap<string, string | Error>,
): string {
  if (name.startsWith(PACKAGE)) {
    const folder = packages.get(name.slice(PACKAGE.length));
    if (typeof folder === "string") return folder;
    throw new Refusal(
      `There is no such npm package; name one of the imports of this file (${folder?.message})`,
      { cause: folder },
    );
  }
  switch (name) {
    case "data":
    case "run":
    case "config":
      return variables[name];
    case "node":
    case "name":
      if (DNS_LABEL.test(variables[name])) return variables[name];
      throw new Refusal(
        `\${${name}} is "${variables[name]}", not one DNS label`,
      );
    case "listen":
      if (isIPv4(variables.listen)) return variables.listen;
      if (isIPv6(variables.listen)) return `[${variables.listen}]`;
      throw new Refusal(
        `\${listen} is "${variables.listen}", not an IP address`,
      );
    case "peerPort":
    case "curatorPort":
      if (variables[name] >= 1 && variables[name] <= 65535) {
        return String(variables[name]);
      }
      throw new Refusal(`\${${name}} is ${variables[name]}, not a TCP port`);
    default:
      throw new Refusal(`\${${name}} is not a variable`);
  }
}
