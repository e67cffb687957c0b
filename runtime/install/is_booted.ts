/**
 * Says whether systemd runs a machine, sd_booted(3).
 *
 * @param root Where the machine's files are.
 */
export async function isBooted(root: string): Promise<boolean> {
  if (root !== "/") return false;
  try {
    return (await Deno.stat("/run/systemd/system")).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
