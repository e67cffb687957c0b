import { Buffer } from "node:buffer";
import type { Selection } from "hamlet";

/** Keys from `key` up to, but not including, `range_end`, or `key` alone; in etcd's names. */
export interface KeyRange {
  readonly key: Buffer;
  readonly range_end?: Buffer;
}

/**
 * Translates a selection for etcd.
 *
 * @param selection One key or a prefix.
 * @returns The range of exactly these keys.
 */
export function keyRange(selection: Selection): KeyRange {
  return "key" in selection ? { key: Buffer.from(selection.key) } : {
    key: Buffer.from(selection.prefix),
    range_end: prefixEnd(selection.prefix),
  };
}

/**
 * Finds where a prefix ends: the first key in byte order that is greater than all that start with it.
 *
 * @param prefix Not empty.
 * @returns The prefix with its last byte raised by one. UTF-8 has no byte 0xff that could overflow.
 */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}
