/** A program that cannot be made: the message says why, and what to do. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}
