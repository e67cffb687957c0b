/** Distinct texts that are remembered; a plugin that makes up new ones does not fill the memory. */
const MAX_REMEMBERED = 1_000;

/** Passes each distinct text on once: what is refused is tried again, often many times a second. */
export class Refusals {
  readonly #seen = new Set<string>();
  readonly #log: (
    message: string,
    properties?: Record<string, unknown>,
  ) => void;

  /** @param log Takes the first of each text. */
  constructor(
    log: (message: string, properties?: Record<string, unknown>) => void,
  ) {
    this.#log = log;
  }

  /**
   * Logs a text unless it has been.
   *
   * @param message The text.
   * @param properties Values that belong to it.
   */
  log(message: string, properties?: Record<string, unknown>): void {
    if (this.#seen.has(message) || this.#seen.size > MAX_REMEMBERED) return;
    this.#seen.add(message);
    this.#log(
      this.#seen.size > MAX_REMEMBERED
        ? `${message}; further refusals are not logged`
        : message,
      properties,
    );
  }
}
