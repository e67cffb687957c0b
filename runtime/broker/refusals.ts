import { clip } from "../log/plain.ts";

/** Distinct texts that are remembered; a plugin that makes up new ones does not fill the memory. */
const MAX_REMEMBERED = 1_000;

/** What users of a provider are refused, apart: no user can use up what is logged of another. */
export class RefusalsByUser {
  readonly #refusals = new Map<string, Refusals>();
  readonly #log: RefusalLog;

  /** @param log Takes the first of each text of each user. */
  constructor(log: RefusalLog) {
    this.#log = log;
  }

  /**
   * What one user is refused, over all its connections.
   *
   * @param user Its name.
   */
  of(user: string): Refusals {
    return this.#refusals.getOrInsertComputed(
      user,
      () => new Refusals(this.#log),
    );
  }
}

/** Takes a text, with values that belong to it. */
type RefusalLog = (
  message: string,
  properties?: Record<string, unknown>,
) => void;

/** Passes each distinct text on once: what is refused is tried again, often many times a second. */
export class Refusals {
  readonly #seen = new Set<string>();
  readonly #log: RefusalLog;

  /** @param log Takes the first of each text. */
  constructor(log: RefusalLog) {
    this.#log = log;
  }

  /**
   * Logs a text unless it has been.
   *
   * @param message The text.
   * @param properties Values that belong to it.
   */
  log(message: string, properties?: Record<string, unknown>): void {
    // What was tried may be in it, however long.
    const text = clip(message);
    if (this.#seen.has(text) || this.#seen.size > MAX_REMEMBERED) return;
    this.#seen.add(text);
    this.#log(
      this.#seen.size > MAX_REMEMBERED
        ? `${text}; further refusals are not logged`
        : text,
      properties,
    );
  }
}
