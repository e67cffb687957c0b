/** A manifest that cannot be used: one problem a line, each with its place and what would be right. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";

  /** @param problems One line each, starting with `FILE:LINE:COLUMN`. */
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** A plugin's entry that this node does not grant: one problem a line, each with its place. */
export class GrantError extends Error {
  override readonly name = "GrantError";

  /**
   * @param plugin The plugin that the entry declares.
   * @param problems One line each, starting with `FILE:LINE:COLUMN`.
   */
  constructor(readonly plugin: string, readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}
