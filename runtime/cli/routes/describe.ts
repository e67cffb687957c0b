/**
 * Writes the long description of a command: every one has an example.
 *
 * @param example A command line.
 * @param text What the brief does not say.
 * @returns The description.
 */
export function describe(example: string, text?: string): string {
  return `${text === undefined ? "" : `${text}\n\n`}EXAMPLE\n  ${example}`;
}
