/** A machine that cannot be changed as asked: the message says why, and what to do. */
export class CannotInstallError extends Error {
  override readonly name = "CannotInstallError";
}
