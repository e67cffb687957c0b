import { setTimeout as delay } from "node:timers/promises";
import type { Client, kv, Logger, Runnable, v } from "hamlet";
import { ListFile, RefusedListError } from "./list_file.ts";

/**
 * Milliseconds between two looks at the file. Its folder is not the plugin's to watch, and a watch on
 * the file alone ends with the file.
 */
const LOOK_MS = 2_000;

/**
 * Makes the runnable that keeps a file equal to a key, and puts it back when somebody else removes or
 * changes it: etcd refuses every peer while its list is missing.
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
    const end = new AbortController();
    const signal = AbortSignal.any([ctx.signal, end.signal]);
    const guarding = guard(file, path, ctx.log, signal).catch((error) => {
      if (!signal.aborted) report(messageOf(error));
      end.abort(error);
    });
    try {
      for await (const change of store.watch({ key }, { signal })) {
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
          const problem = messageOf(error);
          report(problem);
          if (!(error instanceof RefusedListError)) throw error;
          ctx.log.error(problem);
        }
      }
    } finally {
      end.abort();
      // The file has one writer: the next instance begins after this one's last write.
      await guarding;
    }
  };
}

/** Looks after the file until the signal aborts, which it rejects with. */
async function guard(
  file: ListFile,
  path: string,
  log: Logger,
  signal: AbortSignal,
): Promise<never> {
  for (;;) {
    await delay(LOOK_MS, undefined, { signal });
    const found = await file.restore();
    if (found) {
      log.warn(
        `Wrote "${path}" again: somebody else had ${found} it, and connections in between may have been refused or wrongly accepted`,
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : `${error}`;
}

/** The value that a change left behind, if any. */
function newest(
  change: v.InferOutput<typeof kv.methods.watch.output>,
): Uint8Array | undefined {
  if (change.kind === "snapshot") return change.kvs[0]?.value;
  const last = change.events.at(-1);
  return last?.kind === "put" ? last.kv.value : undefined;
}
