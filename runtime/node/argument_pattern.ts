/**
 * Tells whether an argument fits one of the patterns that a manifest allows.
 *
 * @param argument The argument.
 * @param patterns Where `*` stands for any characters but `/`, `**` for any.
 * @returns Whether it fits.
 */
export function matchesArgument(
  argument: string,
  patterns: readonly string[],
): boolean {
  return patterns.some((pattern) => {
    const source = pattern.split(/(\*+)/).map((part) =>
      part === "*"
        ? "[^/]*"
        : part.startsWith("**")
        ? ".*"
        : part.replace(/[^\w]/g, "\\$&")
    );
    return new RegExp(`^${source.join("")}$`, "s").test(argument);
  });
}
