/** A node that cannot start, or not so: the message says what was tried, what is the state, and what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** 2 where the command line asked for what cannot be, 1 where the machine is not as it must be. */
  readonly exitCode: 1 | 2;

  /**
   * @param exitCode See {@linkcode StartError.exitCode}.
   * @param message For a person, with what to do.
   * @param options The cause.
   */
  constructor(exitCode: 1 | 2, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
