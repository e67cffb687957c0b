/** What was asked for cannot be: exit code 2, and a hint at the command's help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A command that did not succeed, told in full by its message. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}
