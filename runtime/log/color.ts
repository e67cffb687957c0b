/**
 * Whether to color what goes to a stream: only on a terminal, and never where `NO_COLOR` is set
 * (https://no-color.org).
 *
 * @param stream Such as `Deno.stdout`.
 * @returns Whether to.
 */
export function wantsColor(stream: { isTerminal(): boolean }): boolean {
  return stream.isTerminal() && !Deno.noColor;
}
