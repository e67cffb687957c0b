import { Buffer } from "node:buffer";
import {
  type Caller,
  type Implementation,
  type kv,
  type KvScope,
  ServiceError,
} from "hamlet";
import type { EtcdLink } from "./etcd_link.ts";
import { keyRange } from "./key_range.ts";
import { toKeyValue } from "./key_value.ts";
import { holdLease } from "./kv_lease.ts";
import { KvQuota } from "./kv_quota.ts";
import { checkRead, checkWrite } from "./kv_scope.ts";
import { KvStore } from "./kv_store.ts";
import {
  type Put,
  reachOf,
  sizeOf,
  toPutRequest,
  toTxnRequest,
} from "./kv_txn.ts";
import { watchKeys } from "./kv_watch.ts";

/** Options of {@linkcode createKv}. */
export interface KvOptions {
  /** The way to etcd. */
  readonly link: EtcdLink;
  /**
   * Bytes written after which etcd forgets what the keys were before.
   * @default {134_217_728}
   */
  readonly history?: number;
}

/**
 * Makes the `kv` service out of one etcd.
 *
 * Calls wait for an etcd that is away until their deadline, watches for as long as it takes.
 *
 * @param options See {@linkcode KvOptions}.
 * @returns The service; it holds every caller to its scope and its quota.
 */
export function createKv(
  { link, history = 128 * 1024 * 1024 }: KvOptions,
): Implementation<typeof kv> {
  const store = new KvStore({ link, history });
  const quotas = new Map<string, KvQuota>();
  /** Who holds a lease, by its ID. */
  const holders = new Map<string, string>();

  function quotaOf({ name, scope }: Caller<KvScope>): KvQuota {
    let quota = quotas.get(name);
    if (!quota) {
      // The count is shared by all that this caller has under way, whichever of them it began with.
      const { signal } = new AbortController();
      quota = new KvQuota({
        limit: scope.quota,
        count: () => store.size(signal, scope.keys),
      });
      quotas.set(name, quota);
    }
    return quota;
  }

  function checkLeases(caller: Caller<KvScope>, puts: readonly Put[]): void {
    for (const { lease } of puts) {
      if (lease === undefined || holders.get(lease) === caller.name) continue;
      throw new ServiceError(
        "not-found",
        `Cannot write with lease "${lease}": "${caller.name}" holds no such lease`,
      );
    }
  }

  return {
    async range(input, caller) {
      if ("key" in input) {
        checkRead(caller, input);
        return await store.range(caller.signal, keyRange(input));
      }
      const { prefix, from = prefix, limit = 0, keysOnly = false } = input;
      checkRead(caller, { prefix });
      if (!from.startsWith(prefix)) {
        throw new ServiceError(
          "invalid-argument",
          `Cannot read "${prefix}" from "${from}": that does not start with the prefix`,
        );
      }
      return await store.range(caller.signal, {
        ...keyRange({ prefix }),
        key: Buffer.from(from),
        limit,
        keys_only: keysOnly,
      });
    },

    async put(input, caller) {
      checkWrite(caller, input);
      checkLeases(caller, [input]);
      const bytes = sizeOf(input);
      return await quotaOf(caller).write(
        bytes,
        () =>
          store.write(bytes, async (client, options) => {
            const { header } = await client.kv.put(
              toPutRequest(input),
              options,
            );
            return { revision: Number(header.revision) };
          }),
      );
    },

    async delete(input, caller) {
      checkWrite(caller, input);
      const answer = await store.write(0, async (client, options) => {
        const { deleted, header } = await client.kv.deleteRange(
          keyRange(input),
          options,
        );
        return { deleted: Number(deleted), revision: Number(header.revision) };
      });
      quotaOf(caller).freed();
      return answer;
    },

    async txn(input, caller) {
      const { reads, writes, puts, bytes } = reachOf(input);
      checkWrite(caller, ...writes);
      checkRead(caller, ...reads);
      checkLeases(caller, puts);
      const send = () =>
        store.write(bytes, async (client, options) => {
          const { succeeded, header, responses } = await client.kv.txn(
            toTxnRequest(input),
            options,
          );
          return {
            succeeded,
            revision: Number(header.revision),
            ranges: responses.flatMap(({ response_range }) =>
              response_range ? [response_range.kvs.map(toKeyValue)] : []
            ),
          };
        });
      const quota = quotaOf(caller);
      const answer = await (bytes > 0 ? quota.write(bytes, send) : send());
      if (writes.length > puts.length) quota.freed();
      return answer;
    },

    async *watch(input, caller) {
      checkRead(caller, input);
      yield* watchKeys({
        link,
        store,
        selection: input,
        signal: caller.signal,
      });
    },

    async *lease({ ttl }, caller) {
      checkWrite(caller);
      let held: string | undefined;
      try {
        const { signal } = caller;
        for await (const lease of holdLease({ link, store, ttl, signal })) {
          holders.set(held = lease, caller.name);
          yield { lease };
        }
      } finally {
        if (held !== undefined) holders.delete(held);
      }
    },
  };
}
