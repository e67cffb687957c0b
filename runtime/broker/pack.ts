import { ServiceError } from "../service/errors.ts";

/** Deep enough for every contract, and far from the end of the stack. */
const MAX_DEPTH = 64;

/**
 * Makes a value fit to cross: checks that it is plain data of bearable size, without serializing it,
 * and gives every view of bytes a buffer of its own. The structured clone of a view carries the
 * whole buffer behind it, in which there may be what the other side must not see.
 *
 * @param value JSON-like data with bytes in it.
 * @param limit How many bytes it may take, roughly.
 * @returns The value itself, or a copy where a view had to be replaced.
 * @throws {ServiceError} `resource-exhausted` above the limit, `invalid-argument` for what is not plain data.
 */
export function pack(value: unknown, limit: number): unknown {
  return packMeasured(value, limit).value;
}

/** A value that is fit to cross. */
export interface Packed {
  readonly value: unknown;
  /** How many bytes it takes, roughly. */
  readonly bytes: number;
}

/**
 * As {@linkcode pack}, for who counts the bytes.
 *
 * @param value JSON-like data with bytes in it.
 * @param limit How many bytes it may take, roughly.
 * @returns What `pack` returns, and its size.
 * @throws {ServiceError} As `pack`.
 */
export function packMeasured(value: unknown, limit: number): Packed {
  const budget = { left: limit, limit };
  const packed = packWithin(budget, value, 0);
  return { value: packed, bytes: limit - budget.left };
}

/** What is left of the limit. */
interface Budget {
  left: number;
  readonly limit: number;
}

/**
 * Copies a value that is fit to cross.
 *
 * @param value See {@linkcode pack}.
 * @returns The same, in no part of which anybody else has a share.
 */
export function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return Array.from(value, copyOf);
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) copy[key] = copyOf(field);
  return copy;
}

function packWithin(budget: Budget, value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      spend(budget, 8 + value.length);
      return value;
    case "object":
      break;
    case "function":
    case "symbol":
      throw unfit(`a ${typeof value}`);
    default:
      spend(budget, 8);
      return value;
  }
  spend(budget, 8);
  if (value === null) return value;
  if (depth === MAX_DEPTH) throw unfit(`more than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    // Not the length that a sparse array pretends to have, nor its holes: what is written is its length.
    spend(budget, value.length);
    let copy: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const packed = packWithin(budget, value[i], depth + 1);
      if (packed !== value[i]) (copy ??= value.slice())[i] = packed;
    }
    return copy ?? value;
  }
  if (value instanceof Uint8Array) {
    spend(budget, value.byteLength);
    const { buffer } = value;
    // Memory that is shared would let the sender change a value after it has been checked.
    return buffer instanceof ArrayBuffer &&
        buffer.byteLength === value.byteLength
      ? value
      : new Uint8Array(value);
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw unfit(`an object of class "${prototype.constructor?.name}"`);
  }
  let copy: Record<string, unknown> | undefined;
  for (const [key, field] of Object.entries(value)) {
    if (key === "__proto__") throw unfit('a key "__proto__"');
    spend(budget, key.length);
    const packed = packWithin(budget, field, depth + 1);
    if (packed !== field) (copy ??= { ...value })[key] = packed;
  }
  return copy ?? value;
}

function spend(budget: Budget, bytes: number): void {
  budget.left -= bytes;
  if (budget.left < 0) {
    throw new ServiceError(
      "resource-exhausted",
      `A message may take ${budget.limit} bytes, and this one is larger`,
    );
  }
}

function unfit(what: string): ServiceError {
  return new ServiceError(
    "invalid-argument",
    `Only plain data and bytes can cross to another plugin, not ${what}`,
  );
}
