import {
  ifThere,
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
  /** What the file looked like when it last was the list; undefined until it was looked at. */
  #seen: string | undefined;
  /** Settles when nobody writes. */
  #idle: Promise<unknown> = Promise.resolve();

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
  update(der: Uint8Array): Promise<RevocationListContent | undefined> {
    return this.#inTurn(() => this.#update(der));
  }

  /**
   * Writes the list again where somebody else has removed or changed the file. Costs a stat(2) where
   * nobody has.
   *
   * @returns What had become of the file; undefined if it was as it was left.
   */
  restore(): Promise<"removed" | "changed" | undefined> {
    return this.#inTurn(() => this.#restore());
  }

  async #restore(): Promise<"removed" | "changed" | undefined> {
    if (this.#current === undefined) return undefined;
    const stamp = await stampOf(this.#path);
    if (stamp !== undefined && stamp === this.#seen) return undefined;
    const { der } = this.#current;
    if (stamp !== undefined && await holds(this.#path, der)) {
      this.#seen = stamp;
      return undefined;
    }
    await writeFileAtomic(this.#path, der);
    return stamp === undefined ? "removed" : "changed";
  }

  async #update(der: Uint8Array): Promise<RevocationListContent | undefined> {
    const current = this.#current;
    if (current && equal(der, current.der)) return undefined;
    const content = this.#check(der);
    if (current && content.authorityKeyId !== current.authorityKeyId) {
      throw new RefusedListError(
        `Cannot replace "${this.#path}": the new list is of authority ${content.authorityKeyId}, the file of ${current.authorityKeyId}; if that one is damaged, stop the node, remove it and start the node again`,
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

  /** Both write by way of the same temporary file. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#idle.then(work);
    this.#idle = done.catch(() => {});
    return done;
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

/** What is different once anybody has touched the file: nobody sets the time of its last change by hand. */
async function stampOf(path: string): Promise<string | undefined> {
  const found = await ifThere(Deno.stat(path));
  return found &&
    `${found.dev} ${found.ino} ${found.size} ${found.ctime?.getTime()}`;
}

async function holds(path: string, der: Uint8Array): Promise<boolean> {
  try {
    return equal(await Deno.readFile(path), der);
  } catch {
    // What this plugin cannot read etcd cannot either; why, the attempt to replace it tells.
    return false;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
