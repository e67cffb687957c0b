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
 * beyond the end. What it hands out are views of the same bytes, and what is skipped costs none.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  /** Where the next element begins. */
  #at: number;
  readonly #end: number;

  /**
   * @param bytes What to read.
   * @param start Where in it the content begins. @default 0
   * @param end Where it ends. @default bytes.length
   */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /**
   * Tells whether the next element has a tag.
   *
   * @param tags Any of these.
   */
  at(...tags: number[]): boolean {
    return tags.some((tag) => tag === this.octet(0));
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.length === 0;
  }

  /** How many octets are left to read. */
  get length(): number {
    return this.#end - this.#at;
  }

  /**
   * Looks at an octet without reading it.
   *
   * @param index How many octets are before it.
   * @returns The octet, or undefined beyond the end.
   */
  octet(index: number): number | undefined {
    return index < this.length ? this.#bytes[this.#at + index] : undefined;
  }

  /** Passes over an octet. */
  drop(): void {
    this.#at += 1;
  }

  /** What is left to read, as a view. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  /**
   * Reads one element.
   *
   * @param tag The tag it must have.
   * @returns Its content.
   * @throws {DerError} If it has another tag, or reaches beyond the end.
   */
  read(tag: number): Uint8Array {
    return this.enter(tag).rest;
  }

  /**
   * Passes over one element.
   *
   * @param tag The tag it must have.
   * @throws {DerError} As {@linkcode DerReader.read}.
   */
  skip(tag: number): void {
    this.#next(tag);
  }

  /**
   * Reads one constructed element.
   *
   * @param tag The tag it must have. @default Tag.sequence
   * @returns A reader of its content.
   * @throws {DerError} As {@linkcode DerReader.read}.
   */
  enter(tag: number = Tag.sequence): DerReader {
    const start = this.#next(tag);
    return new DerReader(this.#bytes, start, this.#at);
  }

  /** @throws {DerError} If something is left. */
  end(): void {
    if (!this.done) {
      throw new DerError(
        `${this.length} bytes follow where nothing should`,
      );
    }
  }

  /** Goes behind an element, and tells where its content begins. */
  #next(tag: number): number {
    const found = this.octet(0);
    if (found !== tag) {
      throw new DerError(
        `Expected an element with tag ${hexByte(tag)}: current value is ${
          found === undefined ? "the end" : hexByte(found)
        }`,
      );
    }
    const first = this.octet(1);
    if (first === undefined) throw new DerError("An element has no length");
    let header = 2;
    let length = first;
    if (first >= 0x80) {
      const octets = first & 0x7f;
      header += octets;
      // Four are more than any file here; 0x80 alone is the indefinite length of BER.
      if (octets === 0 || octets > 4 || header > this.length) {
        throw new DerError(
          `Cannot read a length that starts with ${hexByte(first)}`,
        );
      }
      length = 0;
      for (let index = 2; index < header; index += 1) {
        length = length * 256 + (this.octet(index) ?? 0);
      }
      if (length < 0x80 || length < 256 ** (octets - 1)) {
        throw new DerError(`The length ${length} is not encoded as DER`);
      }
    }
    const beyond = header + length - this.length;
    if (beyond > 0) {
      throw new DerError(
        `An element of ${length} bytes ends ${beyond} bytes after its container`,
      );
    }
    const start = this.#at + header;
    this.#at = start + length;
    return start;
  }
}

function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
