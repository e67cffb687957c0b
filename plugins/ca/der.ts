/**
 * Encodes one element as DER (X.690).
 *
 * @param tag Its tag.
 * @param content Its content, in pieces.
 * @returns Tag, length and content.
 */
export function der(
  tag: number,
  ...content: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  const header = [tag, ...derLength(length)];
  const element = new Uint8Array(header.length + length);
  element.set(header);
  let offset = header.length;
  for (const piece of content) {
    element.set(piece, offset);
    offset += piece.length;
  }
  return element;
}

function derLength(length: number): number[] {
  if (length < 0x80) return [length];
  const octets = hexOctets(length.toString(16));
  return [0x80 | octets.length, ...octets];
}

/**
 * Encodes an INTEGER that is not negative.
 *
 * @param digits Hex without leading zeros.
 */
export function derInteger(digits: string): Uint8Array<ArrayBuffer> {
  const octets = hexOctets(digits);
  // A first bit of one would make it negative.
  const sign = (octets[0] ?? 0) < 0x80 ? [] : [0];
  return der(0x02, Uint8Array.of(...sign, ...octets));
}

/**
 * Encodes a time as RFC 5280, 4.1.2.5, asks for: UTCTime through 2049, GeneralizedTime from 2050.
 *
 * @param time To the second; what is finer is dropped.
 */
export function derTime(time: Date): Uint8Array<ArrayBuffer> {
  const digits = time.toISOString().replace(/\..*|[-:T]/g, "");
  const short = time.getUTCFullYear() < 2050;
  return der(
    short ? 0x17 : 0x18,
    new TextEncoder().encode(`${short ? digits.slice(2) : digits}Z`),
  );
}

function hexOctets(digits: string): Uint8Array {
  return Uint8Array.fromHex(
    digits.padStart(digits.length + digits.length % 2, "0"),
  );
}
