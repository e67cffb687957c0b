import { type Caller, type KvScope, ScopeError, type Selection } from "hamlet";

/**
 * Refuses what a caller may not read.
 *
 * @param caller Who asks.
 * @param selections What it would read.
 * @throws {ScopeError} If one of them is not within its keys as a whole.
 */
export function checkRead(
  caller: Caller<KvScope>,
  ...selections: Selection[]
): void {
  check("read", caller, selections);
}

/**
 * Refuses what a caller may not write.
 *
 * @param caller Who asks.
 * @param selections What it would write; none for a lease, whatever keys it is for.
 * @throws {ScopeError} If it may only read, or one of them is not within its keys as a whole.
 */
export function checkWrite(
  caller: Caller<KvScope>,
  ...selections: Selection[]
): void {
  if (caller.scope.access === "read") {
    const [first] = selections;
    throw new ScopeError(
      caller.name,
      first ? `write ${describe(first)}` : "write",
      'uses.kv.scope.access: "write"',
    );
  }
  check("write", caller, selections);
}

function check(
  action: "read" | "write",
  caller: Caller<KvScope>,
  selections: readonly Selection[],
): void {
  for (const selection of selections) {
    if (caller.scope.keys.some((key) => holds(key, selection))) continue;
    // A prefix that does not end in "/" takes the one that does around it.
    const wanted = "key" in selection
      ? selection.key
      : selection.prefix.replace(/[^/]+$/, "");
    throw new ScopeError(
      caller.name,
      `${action} ${describe(selection)}`,
      `uses.kv.scope.keys: [${JSON.stringify(wanted)}]`,
    );
  }
}

/** A scope's key that ends in `/` holds all that starts with it, the empty one everything, any other itself alone. */
function holds(key: string, selection: Selection): boolean {
  const wanted = "key" in selection ? selection.key : selection.prefix;
  return key === "" || key.endsWith("/")
    ? wanted.startsWith(key)
    : "key" in selection && wanted === key;
}

function describe(selection: Selection): string {
  return "key" in selection
    ? `key "${selection.key}"`
    : `all keys that start with "${selection.prefix}"`;
}
