import { stripVTControlCharacters } from "node:util";

/** What `deno test` says at its end. */
export interface TestSummary {
  /** How many tests passed. */
  passed: number;
  /** How many tests failed, modules that broke outside a test included. */
  failed: number;
  /** One line for each failure: the test, and where it is. */
  failures: string[];
}

/**
 * Reads the summary out of the output of `deno test`. The JUnit report would be easier to read, but leaves out modules
 * that fail outside a test.
 *
 * @param output Everything the program wrote, with or without colours.
 * @returns The summary, or `undefined` if the run ended without one.
 */
export function parseTestSummary(output: string): TestSummary | undefined {
  const plain = stripVTControlCharacters(output);
  const summary = [
    ...plain.matchAll(
      /^(?:ok|FAILED) \| (\d+) passed(?: \(.+?\))? \| (\d+) failed/gm,
    ),
  ].at(-1);
  if (summary === undefined) return undefined;
  const [, list = ""] = plain.slice(0, summary.index).split(/^ FAILURES $/m);
  return {
    passed: Number(summary[1]),
    failed: Number(summary[2]),
    failures: list.split("\n").filter((line) => line.trim() !== ""),
  };
}
