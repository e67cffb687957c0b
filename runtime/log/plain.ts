/** What JSON can say. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [key: string]: Plain };

/** Characters that one value may take up in the log, all that hangs on it included. */
const LIMIT = 16 * 1024;
/** Characters of one text, so that it leaves room for what comes after it. */
const TEXT_LIMIT = 4 * 1024;
/** What lies deeper than this is left out. */
const MAX_DEPTH = 6;
/** Members of one object or list that are shown. */
const MAX_MEMBERS = 100;

/**
 * Copies a value into what JSON can say, at a bounded size and whatever it is: a plugin may log
 * anything, and logging must not be what fails. What is left out is said to be.
 *
 * @param value Any value; getters and proxies that throw are fine.
 * @returns The copy.
 */
export function plain(value: unknown): Plain {
  const ancestors = new Set<object>();
  let left = LIMIT;

  function text(value: string): string {
    const taken = clip(value, Math.min(TEXT_LIMIT, Math.max(left, 0)));
    left -= taken.length;
    return taken;
  }

  function guarded(read: () => unknown): Plain | undefined {
    try {
      const found = read();
      return found === undefined ? undefined : copy(found);
    } catch {
      return "[unreadable]";
    }
  }

  function copy(value: unknown): Plain {
    switch (typeof value) {
      case "string":
        return text(value);
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "object":
        return value === null ? null : copyObject(value);
      case "function":
        return text(`[function ${value.name}]`);
      default:
        return text(String(value));
    }
  }

  function copyObject(value: object): Plain {
    if (ancestors.has(value)) return "[circular]";
    if (ancestors.size >= MAX_DEPTH || left <= 0) return "[left out]";
    ancestors.add(value);
    try {
      if (value instanceof Date || value instanceof URL) {
        return text(value.toJSON() ?? String(value));
      }
      if (value instanceof RegExp) return text(String(value));
      if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
      if (value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
      if (value instanceof Set) return copyList([...value]);
      if (value instanceof Map) return copyList([...value]);
      if (Array.isArray(value)) return copyList(value);
      return copyMembers(value);
    } finally {
      ancestors.delete(value);
    }
  }

  function copyList(list: readonly unknown[]): Plain {
    const copies: Plain[] = [];
    for (let i = 0; i < list.length; i++) {
      if (i >= MAX_MEMBERS || left <= 0) {
        copies.push(`[${list.length - i} more]`);
        break;
      }
      copies.push(guarded(() => list[i]) ?? null);
    }
    return copies;
  }

  function copyMembers(value: object): Plain {
    const keys = Object.keys(value);
    if (value instanceof Error) {
      // Not enumerable, and what matters most.
      keys.unshift("name", "message", "stack");
      if (value.cause !== undefined) keys.push("cause");
    }
    const members: [string, Plain][] = [];
    for (const [i, key] of keys.entries()) {
      if (i >= MAX_MEMBERS || left <= 0) {
        members.push(["…", `[${keys.length - i} more]`]);
        break;
      }
      const member = guarded(() => Reflect.get(value, key));
      if (member !== undefined) members.push([text(key), member]);
    }
    // Unlike an assignment, this makes an ordinary member of one named `__proto__`.
    return Object.fromEntries(members);
  }

  return guarded(() => value) ?? null;
}

/**
 * Shortens a text, and says so.
 *
 * @param text The text.
 * @param limit Characters that may stay.
 * @returns The text, or its beginning.
 */
export function clip(text: string, limit: number = LIMIT): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit)}… [${text.length - limit} more]`;
}
