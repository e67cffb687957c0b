/**
 * Puts items in any order, so that nodes that know the same members do not all ask the same one.
 *
 * @param items The items.
 * @returns The same in another list.
 */
export function shuffled<T>(items: readonly T[]): T[] {
  return items.map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
