/**
 * Finds the value below which a part of all values lies.
 *
 * @param values At least one.
 * @param part Between 0 and 1; 0.5 is the median.
 * @returns The value, interpolated between the two that are next to that place.
 * @throws {RangeError} If there are no values.
 */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) {
    throw new RangeError("Cannot tell a quantile: there are no values");
  }
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * Finds the middle of all values.
 *
 * @param values At least one.
 * @throws {RangeError} If there are no values.
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Divides what was measured in the same rounds.
 *
 * @param values What is looked at, by round.
 * @param baseline What it is compared with, by round.
 * @returns The ratio of each round.
 */
export function ratios(
  values: readonly number[],
  baseline: readonly number[],
): number[] {
  return values.map((value, round) => value / (baseline[round] ?? NaN));
}
