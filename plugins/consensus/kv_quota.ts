import { ServiceError } from "hamlet";

/** Options of {@linkcode KvQuota}. */
export interface KvQuotaOptions {
  /** Bytes of keys and values that may be stored; `Number.MAX_SAFE_INTEGER` is any number. */
  readonly limit: number;
  /** Counts those that are stored. */
  count(): Promise<number>;
}

/** How long a count that left no room is believed, in milliseconds: another node may have deleted. */
const FULL_FOR = 1_000;

/**
 * Keeps what one caller stores within its quota, cheaply: every write counts as if it replaced
 * nothing, and only when these add up to the limit, what is there is counted again.
 */
export class KvQuota {
  readonly #limit: number;
  readonly #count: () => Promise<number>;
  /** What was stored at the last count. */
  #counted = Infinity;
  #countedAt = -Infinity;
  /** The most that can be stored by now, as far as this node knows. */
  #most = Infinity;
  #counting: Promise<void> | undefined;
  readonly #writing = new Set<Promise<unknown>>();

  /** @param options See {@linkcode KvQuotaOptions}. */
  constructor(options: KvQuotaOptions) {
    this.#limit = options.limit;
    if (this.#limit === Number.MAX_SAFE_INTEGER) this.#most = 0;
    this.#count = () => options.count();
  }

  /**
   * Writes if there is room.
   *
   * @param bytes The size of the keys and values.
   * @param send Does it.
   * @returns What `send` did.
   * @throws {ServiceError} `resource-exhausted` if there is no room.
   */
  async write<T>(bytes: number, send: () => Promise<T>): Promise<T> {
    while (this.#most + bytes > this.#limit) {
      const full = this.#counted + bytes > this.#limit;
      if (!full || performance.now() - this.#countedAt > FULL_FOR) {
        await (this.#counting ??= this.#recount());
        if (this.#counted + bytes <= this.#limit) continue;
      }
      throw new ServiceError(
        "resource-exhausted",
        `Cannot store ${bytes} bytes more: ${this.#counted} of a quota of ${this.#limit} bytes are in use`,
      );
    }
    this.#most += bytes;
    const writing = send();
    this.#writing.add(writing);
    try {
      return await writing;
    } finally {
      this.#writing.delete(writing);
    }
  }

  /** Says that something was deleted, so that a full count is no longer believed. */
  freed(): void {
    this.#countedAt = -Infinity;
  }

  async #recount(): Promise<void> {
    try {
      // A write that is under way may or may not be there yet.
      await Promise.allSettled(this.#writing);
      this.#counted = await this.#count();
      this.#countedAt = performance.now();
      this.#most = this.#counted;
    } finally {
      this.#counting = undefined;
    }
  }
}
