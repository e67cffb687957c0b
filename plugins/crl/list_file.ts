import {
  parseRevocationList,
  type RevocationListContent,
  RevocationListError,
  writeFileAtomic,
} from "hamlet";

/** A revocation list that must not replace the one on disk. */
export class RefusedListError extends Error {
  override readonly name = "RefusedListError";
}

/** What is remembered of a list: not its entries, of which there may be thousands. */
interface List
  extends Pick<RevocationListContent, "number" | "authorityKeyId"> {
  readonly der: Uint8Array;
}

/** The file that holds an authority's newest revocation list. Its only writer while it is in use. */
export class ListFile {
  readonly #path: string;
  /** Undefined where nothing usable is there. */
  #current: List | undefined;

  private constructor(path: string, current: List | undefined) {
    this.#path = path;
    this.#current = current;
  }

  /**
   * Reads the file, if it is there.
   *
   * @param path The file, DER.
   * @returns The file; one that is no list counts as missing, and gives way to any that is.
   */
  static async open(path: string): Promise<ListFile> {
    try {
      const der = await Deno.readFile(path);
      return new ListFile(path, remember(der, parseRevocationList(der)));
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof RevocationListError
      ) return new ListFile(path, undefined);
      throw error;
    }
  }

  /**
   * Makes the file equal to a list.
   *
   * @param der The newest list, DER.
   * @returns What it says, or undefined where the file was equal to it already.
   * @throws {RefusedListError} If it is no list, of another authority, or not newer: whoever can
   * put an old list in the place of a newer one takes back a revocation.
   */
  async update(der: Uint8Array): Promise<RevocationListContent | undefined> {
    const current = this.#current;
    if (current && equal(der, current.der)) return undefined;
    const content = this.#check(der);
    if (current && content.authorityKeyId !== current.authorityKeyId) {
      throw new RefusedListError(
        `Cannot replace "${this.#path}": the new list is of authority ${content.authorityKeyId}, the file of ${current.authorityKeyId}; if that one is damaged, remove it and start the node again`,
      );
    }
    if (current && content.number <= current.number) {
      throw new RefusedListError(
        `Cannot replace "${this.#path}": the new list has number ${content.number}, the file has ${current.number}`,
      );
    }
    await writeFileAtomic(this.#path, der);
    this.#current = remember(der, content);
    return content;
  }

  #check(der: Uint8Array): RevocationListContent {
    try {
      return parseRevocationList(der);
    } catch (cause) {
      if (!(cause instanceof RevocationListError)) throw cause;
      throw new RefusedListError(
        `Cannot replace "${this.#path}": ${cause.message}`,
        { cause },
      );
    }
  }
}

function remember(
  der: Uint8Array,
  { number, authorityKeyId }: RevocationListContent,
): List {
  return { der, number, authorityKeyId };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
