import { Latest, parseRevocationList } from "hamlet";

/** The newest revocation list of the cluster authority that this member knows. */
export class Revocations {
  readonly #list = new Latest<Uint8Array<ArrayBuffer> | undefined>(undefined);
  #serials: ReadonlySet<string> = new Set();
  #number = -1;

  /**
   * Takes a list; an older one than is known is ignored.
   *
   * @param der The list.
   * @throws {RevocationListError} If it is none.
   */
  take(der: Uint8Array<ArrayBuffer>): void {
    const { number, revoked } = parseRevocationList(der);
    if (number <= this.#number) return;
    this.#number = number;
    this.#serials = new Set(revoked.map(({ serial }) => serial));
    this.#list.set(der);
  }

  /**
   * @param serial A serial number in lower-case hex, without leading zero bytes.
   * @returns Whether it was revoked.
   */
  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /**
   * Reads the newest list, then each newer one.
   *
   * @param signal Ends it.
   */
  async *watch(
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    for await (const der of this.#list.watch(signal)) if (der) yield der;
  }
}
