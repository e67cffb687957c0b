/**
 * Thrown at the caller who uses a {@linkcode Context}, or `supervise` itself, in a way that can only be a mistake in
 * the program.
 */
export class MisuseError extends Error {
  override readonly name = "MisuseError";
  /** Whose context was misused. */
  readonly dn: string;

  /**
   * Makes the error.
   *
   * @param dn Whose context was misused
   * @param call What was called, such as `run("etcd")`
   * @param problem Why it cannot be done
   */
  constructor(dn: string, call: string, problem: string) {
    super(`Cannot ${call} in "${dn}": ${problem}`);
    this.dn = dn;
  }
}

/**
 * The reason of a {@linkcode Context}'s signal once supervision wants the runnable to end. Its `cause`, if there is
 * one, is the error that something else died of.
 */
export class CanceledError extends Error {
  override readonly name = "CanceledError";
}

/** What a runnable dies of when it returns though it was neither canceled nor done. */
export class UnexpectedReturnError extends Error {
  override readonly name = "UnexpectedReturnError";

  /**
   * Makes the error.
   *
   * @param dn Who returned
   */
  constructor(dn: string) {
    super(
      `"${dn}" returned without having been canceled and without having signaled done`,
    );
  }
}

/**
 * Puts what was thrown, which can be anything, into words.
 *
 * @param error What was thrown
 * @returns Its name and message, or its text
 */
export function describeError(error: unknown): string {
  try {
    return String(error);
  } catch {
    // An object without a prototype, or with a toString that throws.
    return "something that has no text";
  }
}
