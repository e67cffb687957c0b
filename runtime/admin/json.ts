/**
 * Writes a value as JSON, with bytes as `{"$bytes": "<base64>"}`.
 *
 * @param value What a service takes or answers.
 * @returns One line.
 */
export function encodeJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, member: unknown) =>
      member instanceof Uint8Array ? { $bytes: member.toBase64() } : member,
  );
}

/**
 * Reads what {@linkcode encodeJson} wrote, or a person.
 *
 * @param text JSON.
 * @returns The value, bytes as Uint8Array.
 * @throws {SyntaxError} Where it is not JSON, or the bytes are not base64.
 */
export function decodeJson(text: string): unknown {
  return JSON.parse(text, (_key, member: unknown) => {
    if (typeof member !== "object" || member === null) return member;
    if (!("$bytes" in member) || Object.keys(member).length !== 1) {
      return member;
    }
    if (typeof member.$bytes !== "string") {
      throw new SyntaxError(`Cannot read "$bytes": it is not a string`);
    }
    return Uint8Array.fromBase64(member.$bytes);
  });
}
