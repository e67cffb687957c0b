/** Bytes that are not the DER they should be. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** The tags (X.690, 8.1.2) that certificates and revocation lists are made of. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  /** `[0]`, constructed. */
  context0: 0xa0,
} as const;

/**
 * Reads DER (X.690) element by element, strictly: definite and shortest lengths only, nothing
 * beyond the end. What it hands out are views of the same bytes.
 */
export class DerReader {
  #bytes: Uint8Array;

  /** @param bytes The content to read. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Tells whether the next element has a tag.
   *
   * @param tags Any of these.
   */
  at(...tags: number[]): boolean {
    return tags.some((tag) => tag === this.#bytes[0]);
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.#bytes.length === 0;
  }

  /**
   * Reads one element.
   *
   * @param tag The tag it must have.
   * @returns Its content.
   * @throws {DerError} If it has another tag, or reaches beyond the end.
   */
  read(tag: number): Uint8Array {
    const bytes = this.#bytes;
    if (bytes[0] !== tag) {
      throw new DerError(
        `Expected an element with tag ${hexByte(tag)}: current value is ${
          bytes[0] === undefined ? "the end" : hexByte(bytes[0])
        }`,
      );
    }
    const first = bytes[1];
    if (first === undefined) throw new DerError("An element has no length");
    let start = 2;
    let length = first;
    if (first >= 0x80) {
      // Four octets are more than any file here; 0x80 alone is the indefinite length of BER.
      start += first & 0x7f;
      if (first === 0x80 || start > 6 || bytes.length < start) {
        throw new DerError(
          `Cannot read a length that starts with ${hexByte(first)}`,
        );
      }
      length = bytes.subarray(2, start).reduce(
        (sum, byte) => sum * 256 + byte,
        0,
      );
      if (length < 0x80 || bytes[2] === 0) {
        throw new DerError(`The length ${length} is not encoded as DER`);
      }
    }
    if (bytes.length < start + length) {
      throw new DerError(
        `An element of ${length} bytes ends ${
          start + length - bytes.length
        } bytes after its container`,
      );
    }
    this.#bytes = bytes.subarray(start + length);
    return bytes.subarray(start, start + length);
  }

  /**
   * Reads one constructed element.
   *
   * @param tag The tag it must have. @default Tag.sequence
   * @returns A reader of its content.
   * @throws {DerError} As {@linkcode DerReader.read}.
   */
  enter(tag: number = Tag.sequence): DerReader {
    return new DerReader(this.read(tag));
  }

  /** @throws {DerError} If something is left. */
  end(): void {
    if (!this.done) {
      throw new DerError(
        `${this.#bytes.length} bytes follow where nothing should`,
      );
    }
  }
}

function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
