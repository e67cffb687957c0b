import { Latest, parseRevocationList, type RevokedCertificates } from "hamlet";

/** The newest revocation list of the cluster authority that this member knows. */
export class Revocations {
  readonly #list = new Latest<Uint8Array<ArrayBuffer> | undefined>(undefined);
  #revoked: RevokedCertificates | undefined;
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
    this.#revoked = revoked;
    this.#list.set(der);
  }

  /**
   * @param serial A serial number in lower-case hex, without leading zero bytes.
   * @returns Whether it was revoked.
   */
  has(serial: string): boolean {
    return this.#revoked?.has(serial) ?? false;
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
