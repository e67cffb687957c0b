/**
 * Tells whether a file or folder is there.
 *
 * @param path The path.
 * @returns Whether it is.
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
