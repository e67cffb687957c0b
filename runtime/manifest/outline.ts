import { grantedAddressProblem } from "./granted_address.ts";
import { grantedPathProblem } from "./granted_path.ts";
import type { Role } from "./manifest.ts";

/** What stands for anything in a list that is wrong by itself, and for a list that is none. */
export const UNREADABLE = "";

/** What the rules between entries are about, as far as an entry says it, whatever else is wrong with it. */
export interface Outline {
  readonly name: string;
  readonly module: string | undefined;
  readonly contracts: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly net: readonly string[];
  readonly shares: readonly string[];
  readonly provides: readonly string[];
  readonly uses: readonly {
    readonly service: string;
    readonly optional: boolean;
  }[];
  readonly roles: readonly Role[];
}

/**
 * Reads what can be read of an entry, so that one mistake does not hide the next, nor looks like
 * others.
 *
 * @param name The entry's key.
 * @param entry The entry, of any shape.
 */
export function outline(name: string, entry: unknown): Outline {
  const permissions = member(entry, "permissions");
  const uses = member(entry, "uses");
  const module = member(entry, "module");
  const roles = texts(member(entry, "roles"));
  return {
    name,
    module: typeof module === "string" ? module : undefined,
    contracts: texts(member(entry, "contracts")),
    read: texts(
      member(permissions, "read"),
      (text) => grantedPathProblem(text, "read"),
    ),
    write: texts(
      member(permissions, "write"),
      (text) => grantedPathProblem(text, "write"),
    ),
    net: texts(member(permissions, "net"), grantedAddressProblem),
    shares: texts(
      member(entry, "shares"),
      (text) => grantedPathProblem(text, "write"),
    ),
    provides: texts(member(entry, "provides")),
    uses: Object.entries(isObject(uses) && !Array.isArray(uses) ? uses : {})
      .map(([service, use]) => ({
        service,
        optional: member(use, "optional") === true,
      })),
    // One that is misspelled may have meant either.
    roles: roles.every((role) => ROLES.some((known) => known === role))
      ? ROLES.filter((role) => roles.length === 0 || roles.includes(role))
      : ROLES,
  };
}

const ROLES: readonly Role[] = ["member", "worker"];

/** The strings of a list that have no problem; others keep their place, so that indexes stay right. */
function texts(
  value: unknown,
  problemOf: (text: string) => string | undefined = () => undefined,
): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [UNREADABLE];
  return value.map((one) =>
    typeof one === "string" && problemOf(one) === undefined ? one : UNREADABLE
  );
}

function member(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
