import type { Role } from "./manifest.ts";

/** What the rules between entries are about, as far as an entry says it, whatever else is wrong with it. */
export interface Outline {
  readonly name: string;
  readonly module: string | undefined;
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
    read: texts(member(permissions, "read")),
    write: texts(member(permissions, "write")),
    net: texts(member(permissions, "net")),
    shares: texts(member(entry, "shares")),
    provides: texts(member(entry, "provides")),
    uses: Object.entries(isObject(uses) ? uses : {}).map(([service, use]) => ({
      service,
      optional: member(use, "optional") === true,
    })),
    roles: (["member", "worker"] as const).filter((role) =>
      roles.length === 0 || roles.includes(role)
    ),
  };
}

/** The strings of a list, anything else in it as an empty one so that indexes stay right. */
function texts(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.map((one) => typeof one === "string" ? one : "");
}

function member(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
