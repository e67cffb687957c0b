import type { Logger } from "hamlet";

/** Distinct refusals that are remembered; an attacker can make up any number of addresses. */
const MOST = 10_000;

/** Logs what was refused, each refusal once per caller and reason, so that nobody can fill the log. */
export class Refusals {
  readonly #seen = new Set<string>();

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
    const key = JSON.stringify([caller, tried, why]);
    if (this.#seen.has(key)) return;
    if (this.#seen.size >= MOST) this.#seen.clear();
    this.#seen.add(key);
    this.log.warn(`Refused ${caller}, which tried to ${tried}: ${why}`);
  }
}
