import type { Logger } from "hamlet";

/** Callers that are remembered; an attacker can make up any number of addresses. */
const MOST_CALLERS = 10_000;
/** Refusals of one caller that are logged; it can make up any number of reasons, which have its own words in them. */
const MOST_OF_ONE_CALLER = 20;

/** Logs what was refused, each refusal once per caller and reason, so that nobody can fill the log. */
export class Refusals {
  readonly #seen = new Map<string, Set<string>>();

  /** @param log Takes them. */
  constructor(readonly log: Logger) {}

  /**
   * Logs a refusal unless it was logged before.
   *
   * @param caller Who, for a person.
   * @param tried What it tried, to follow "tried to".
   * @param why Why not.
   */
  note(caller: string, tried: string, why: string): void {
    let seen = this.#seen.get(caller);
    if (seen === undefined) {
      if (this.#seen.size >= MOST_CALLERS) this.#seen.clear();
      this.#seen.set(caller, seen = new Set());
    }
    const key = JSON.stringify([tried, why]);
    if (seen.size > MOST_OF_ONE_CALLER || seen.has(key)) return;
    seen.add(key);
    this.log.warn(
      seen.size > MOST_OF_ONE_CALLER
        ? `Refused ${caller} so much that nothing more of it is logged`
        : `Refused ${caller}, which tried to ${tried}: ${why}`,
    );
  }
}
