import { parseArgs } from "node:util";

/**
 * Reads from the command line how often to measure.
 *
 * @param fallback How often if it does not say.
 * @returns The number of rounds.
 * @throws {RangeError} If it is not a positive whole number.
 */
export function rounds(fallback = 10): number {
  const { values } = parseArgs({
    args: Deno.args,
    options: { rounds: { type: "string" }, json: { type: "boolean" } },
  });
  const count = Number(values.rounds ?? fallback);
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(
      `Cannot measure "${values.rounds}" rounds: write a whole number from 1 on`,
    );
  }
  return count;
}
