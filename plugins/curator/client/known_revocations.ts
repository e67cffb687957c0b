import {
  Latest,
  parseRevocationList,
  type RevocationListContent,
  RevocationListError,
  writeFileAtomic,
} from "hamlet";

/** The newest revocation list of the cluster authority that this node has seen. */
export class KnownRevocations {
  /** Changes with every newer list; its number. */
  readonly number: Latest<number>;
  readonly #path: string;
  readonly #writes: boolean;
  #content: RevocationListContent | undefined;

  private constructor(
    path: string,
    writes: boolean,
    content: RevocationListContent | undefined,
  ) {
    this.#path = path;
    this.#writes = writes;
    this.#content = content;
    this.number = new Latest(content?.number ?? 0);
  }

  /**
   * Reads the list on disk.
   *
   * @param path The file, DER; one that is no list counts as missing.
   * @param writes Whether it is kept up to date here: on members the crl plugin does that.
   * @returns What is known.
   */
  static async open(path: string, writes: boolean): Promise<KnownRevocations> {
    try {
      const content = parseRevocationList(await Deno.readFile(path));
      return new KnownRevocations(path, writes, content);
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof RevocationListError
      ) return new KnownRevocations(path, writes, undefined);
      throw error;
    }
  }

  /**
   * Tells whether a certificate was revoked, as far as this node knows.
   *
   * @param serial As {@linkcode normalizeSerial} writes it.
   */
  isRevoked(serial: string): boolean {
    return this.#content?.revoked.has(serial) ?? false;
  }

  /**
   * Takes a list that a member sent.
   *
   * @param der The list. An older one than is known changes nothing: it would take back a revocation.
   * @throws {RevocationListError} If it is no list, or another authority's.
   */
  async update(der: Uint8Array): Promise<void> {
    const content = parseRevocationList(der);
    const before = this.#content;
    if (before && content.authorityKeyId !== before.authorityKeyId) {
      throw new RevocationListError(
        `The revocation list is of authority ${content.authorityKeyId}: this node's is ${before.authorityKeyId}`,
      );
    }
    if (before && content.number <= before.number) return;
    if (this.#writes) await writeFileAtomic(this.#path, der);
    this.#content = content;
    this.number.set(content.number);
  }
}
