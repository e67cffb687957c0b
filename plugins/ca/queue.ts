/**
 * Makes a queue whose tasks run one after another, each once all before it have ended.
 *
 * @returns A function that adds a task, and gives what the task gives.
 */
export function createQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}
