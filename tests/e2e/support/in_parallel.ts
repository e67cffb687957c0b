/** What became of the tasks of {@linkcode inParallel} that failed. */
export class TasksFailedError extends Error {
  override readonly name = "TasksFailedError";
}

/**
 * Does something with each item, a few at a time, to the end even where some fail.
 *
 * @param items The items.
 * @param task What to do with one.
 * @param limit How many at a time. @default {2}
 * @throws {TasksFailedError} With what each failed task threw.
 */
export async function inParallel<T>(
  items: readonly T[],
  task: (item: T) => Promise<void>,
  limit = 2,
): Promise<void> {
  const waiting = items.values();
  const failures: string[] = [];
  const work = async () => {
    for (const item of waiting) {
      try {
        await task(item);
      } catch (error) {
        const what = error instanceof Error ? error.stack : String(error);
        failures.push(`${JSON.stringify(item)}: ${what}`);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  if (failures.length > 0) {
    throw new TasksFailedError(
      `${failures.length} of ${items.length} failed:\n${failures.join("\n\n")}`,
    );
  }
}
