import type { LogLevel } from "./logger.ts";
import { clip, type Plain, plain } from "./plain.ts";
import type { LogRecord } from "./record.ts";

/** A log record as it is kept, shown and sent: plain values of a bounded size. */
export interface LogEntry {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: LogLevel;
  /** The runnable that said it. */
  readonly dn: string;
  /** With the properties put in where it names them. */
  readonly message: string;
  /** The message before that, the same for every record of its kind; absent where nothing was put in. */
  readonly template?: string;
  readonly properties: Readonly<Record<string, Plain>>;
}

/** The last instant a Date can hold, milliseconds (ECMA-262, section 21.4.1.1). */
const LAST_INSTANT = 8.64e15;

/**
 * Makes an entry of a record, whatever its properties are.
 *
 * @param record As it came from a plugin.
 * @returns The entry.
 */
export function toEntry(record: LogRecord): LogEntry {
  const properties = members(plain(record.properties ?? {}));
  const time = Math.abs(record.time) <= LAST_INSTANT ? record.time : Date.now();
  const template = clip(String(record.message));
  const message = clip(fillIn(template, properties));
  return {
    time: new Date(time).toISOString(),
    level: record.level,
    dn: record.dn,
    message,
    ...(message !== template && { template }),
    properties,
  };
}

/** Names of the properties that a message shows by itself, as `{name}`. */
export const PLACEHOLDER = /\{([A-Za-z_]\w*)\}/g;

/** Braces that name no property stand for themselves: not every message is a template. */
function fillIn(
  message: string,
  properties: Readonly<Record<string, Plain>>,
): string {
  return message.replace(PLACEHOLDER, (placeholder, name: string) => {
    const value = Object.hasOwn(properties, name)
      ? properties[name]
      : undefined;
    return value === undefined ? placeholder : valueText(value);
  });
}

/**
 * Writes a value as a person reads it.
 *
 * @param value The value of a property.
 * @returns A string as it is, an error by its name and message, anything else as JSON.
 */
export function valueText(value: Plain): string {
  if (typeof value === "string") return value;
  const error = asError(value);
  if (error !== undefined) return `${error.name}: ${error.message}`;
  return JSON.stringify(value);
}

/**
 * Recognizes what {@linkcode plain} made of an error.
 *
 * @param value The value of a property.
 * @returns Its parts, or undefined for anything else.
 */
export function asError(
  value: Plain,
): { name: string; message: string; stack: string } | undefined {
  const { name, message, stack } = members(value);
  if (
    typeof name !== "string" || typeof message !== "string" ||
    typeof stack !== "string"
  ) return undefined;
  return { name, message, stack };
}

function members(value: Plain): Readonly<Record<string, Plain>> {
  return typeof value === "object" && value !== null && !isList(value)
    ? value
    : {};
}

// `Array.isArray` does not narrow a readonly array.
function isList(
  value: readonly Plain[] | { readonly [key: string]: Plain },
): value is readonly Plain[] {
  return Array.isArray(value);
}
