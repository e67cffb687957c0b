/**
 * Waits for what is done to a file, and takes it for an answer that there is none.
 *
 * @param done What is done, such as `Deno.readFile(path)`.
 * @returns What came of it; undefined where there is no such file.
 */
export async function ifThere<T>(done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
