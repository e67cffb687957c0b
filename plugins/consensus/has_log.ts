/**
 * Tells whether etcd would go on with its data: it looks for its log, https://github.com/etcd-io/etcd/tree/v3.4.23/wal
 *
 * @param folder Where its log is.
 * @returns Whether there is one.
 */
export async function hasLog(folder: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".wal")) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}
