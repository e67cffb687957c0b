// deno-lint-ignore-file no-console -- the figures are what these programs are for
import { quantile } from "./statistics.ts";

/** What a figure should be. */
export type Aim = { readonly atMost: number } | { readonly atLeast: number };

/** Something measured several times. */
export interface Figure {
  readonly name: string;
  /** Such as "ms"; "" for a ratio. */
  readonly unit: string;
  /** What was measured, once for each time. */
  readonly values: readonly number[];
  /** Which part of the values is to lie below the one that stands for them all. @default 0.5, the median */
  readonly part?: number;
  readonly aim?: Aim;
}

/** What {@linkcode report} may be told. */
export interface ReportOptions {
  /** One JSON object instead of text. @default whether the program was called with `--json` */
  readonly json?: boolean;
  /** Lines that follow the figures in the text. @default {[]} */
  readonly notes?: readonly string[];
}

/**
 * Prints the figures of a topic, and makes the program end with exit code 1 if one misses its aim.
 *
 * @param topic What was measured.
 * @param figures The figures.
 * @param options See {@linkcode ReportOptions}.
 */
export function report(
  topic: string,
  figures: readonly Figure[],
  options: ReportOptions = {},
): void {
  const { json = Deno.args.includes("--json"), notes = [] } = options;
  const results = figures.map(summarize);
  if (results.some(({ met }) => met === false)) Deno.exitCode = 1;
  const lines = json
    ? [JSON.stringify({ topic, figures: results, notes })]
    : [topic, ...textOf(results), ...notes.map((note) => `  ${note}`)];
  for (const line of lines) console.log(line);
}

/** A figure as it is printed. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Such as "median". */
  readonly statistic: string;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly aim?: Aim;
  readonly met?: boolean;
}

/**
 * Sums up what was measured.
 *
 * @param figure The figure.
 * @returns The same with its value, and whether that meets the aim.
 */
export function summarize(figure: Figure): Result {
  const { name, unit, values, part = 0.5, aim } = figure;
  const value = quantile(values, part);
  return {
    name,
    unit,
    value,
    statistic: part === 0.5 ? "median" : `p${part * 100}`,
    count: values.length,
    min: Math.min(...values),
    max: Math.max(...values),
    ...aim && {
      aim,
      met: "atMost" in aim ? value <= aim.atMost : value >= aim.atLeast,
    },
  };
}

function textOf(results: readonly Result[]): string[] {
  const rows = results.map((result) => {
    const { name, unit, value, statistic, count, min, max, aim, met } = result;
    const digits = unit === "" ? 2 : value < 10 ? 2 : value < 100 ? 1 : 0;
    const show = (number: number) => number.toFixed(digits);
    return [
      name,
      show(value),
      unit,
      count === 1
        ? ""
        : `${statistic} of ${count}, ${show(min)} … ${show(max)}`,
      aim === undefined
        ? ""
        : `${
          "atMost" in aim ? `aim ≤ ${aim.atMost}` : `aim ≥ ${aim.atLeast}`
        } ${met ? "met" : "MISSED"}`,
    ] as const;
  });
  const width = (column: 0 | 1 | 2 | 3) =>
    Math.max(...rows.map((row) => row[column].length));
  return rows.map(([name, value, unit, spread, aim]) =>
    `  ${name.padEnd(width(0))}  ${value.padStart(width(1))} ${
      unit.padEnd(width(2))
    }  ${spread.padEnd(width(3))}  ${aim}`.trimEnd()
  );
}
