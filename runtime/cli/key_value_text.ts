import { clean } from "../log/clean.ts";
import type { KeyValue } from "../services/kv.ts";

/**
 * Shows a key with its value on one line.
 *
 * @param found The key and its value.
 * @returns The line with its newline; a value that is not text is only measured.
 */
export function keyValueText({ key, value }: KeyValue): string {
  return `${clean(key)} ${valueText(value)}\n`;
}

function valueText(value: Uint8Array): string {
  try {
    return clean(new TextDecoder("utf-8", { fatal: true }).decode(value));
  } catch {
    return `(${value.length} bytes that are not text)`;
  }
}
