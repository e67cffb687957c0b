import { clean } from "../log/clean.ts";

/**
 * Aligns rows in columns, two spaces apart. Cells may come from a plugin or another node, so what a
 * terminal would act on is escaped.
 *
 * @param rows The rows; the last cell of each is not padded.
 * @returns One line each, without newlines.
 */
export function table(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(clean));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [i, cell] of row.entries()) {
      widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
    }
  }
  return cells.map((row) =>
    row.map((cell, i) =>
      i === row.length - 1
        ? cell
        : cell + " ".repeat((widths[i] ?? 0) - [...cell].length)
    ).join("  ").trimEnd()
  );
}
