/**
 * Removes a file, or a folder with all in it.
 *
 * @param path The path; what is not there is fine.
 */
export async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
