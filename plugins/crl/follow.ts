import type { Client, kv, Runnable, z } from "hamlet";
import { ListFile, RefusedListError } from "./list_file.ts";

/**
 * Makes the runnable that keeps a file equal to a key.
 *
 * @param store Where the newest list is.
 * @param key Its key there.
 * @param path The file.
 * @param report Told after each change why the file is not the newest list, or nothing if it is.
 * @returns The runnable.
 */
export function follow(
  store: Client<typeof kv>,
  key: string,
  path: string,
  report: (problem?: string) => void,
): Runnable {
  return async (ctx) => {
    const file = await ListFile.open(path);
    ctx.healthy();
    for await (const change of store.watch({ key }, ctx)) {
      try {
        const der = newest(change);
        if (!der) throw new RefusedListError(`Nothing is under "${key}"`);
        const list = await file.update(der);
        if (list) {
          ctx.log.info(`Wrote revocation list ${list.number}`, {
            path,
            revoked: list.revoked.length,
          });
        }
        report();
      } catch (error) {
        const problem = error instanceof Error ? error.message : `${error}`;
        report(problem);
        if (!(error instanceof RefusedListError)) throw error;
        ctx.log.error(problem);
      }
    }
  };
}

/** The value that a change left behind, if any. */
function newest(
  change: z.output<typeof kv.methods.watch.output>,
): Uint8Array | undefined {
  if (change.kind === "snapshot") return change.kvs[0]?.value;
  const last = change.events.at(-1);
  return last?.kind === "put" ? last.kv.value : undefined;
}
