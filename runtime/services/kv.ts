import { z } from "zod";
import { call, defineService, stream } from "../service/contract.ts";

/** etcd refuses requests above 1.5 MiB (`--max-request-bytes`); this leaves room for the rest of one. */
export const MAX_VALUE_BYTES = 1024 * 1024;

/** The longest key, in UTF-16 code units. */
export const MAX_KEY_LENGTH = 4096;

const key = z.string().min(1, "A key cannot be empty").max(
  MAX_KEY_LENGTH,
  `A key has at most ${MAX_KEY_LENGTH} characters`,
).refine(
  (text) => text.isWellFormed(),
  "A key is text that UTF-8 can write",
);
const value = z.instanceof(Uint8Array).refine(
  (bytes) => bytes.byteLength <= MAX_VALUE_BYTES,
  `A value is at most ${MAX_VALUE_BYTES} bytes`,
);
/** An etcd revision; far below 2^53 for as long as a cluster can live. */
const revision = z.int().nonnegative();

/** One key, or every key that starts with a prefix. */
export const Selection = z.union([
  z.strictObject({ key }),
  z.strictObject({ prefix: key }),
]);
/** One key, or every key that starts with a prefix. */
export type Selection = z.infer<typeof Selection>;

/** A key with its value and etcd's bookkeeping. */
export const KeyValue = z.object({
  key: z.string(),
  value: z.instanceof(Uint8Array),
  createRevision: revision,
  modRevision: revision,
  /** How often it was written since it was created, from 1. */
  version: z.int().nonnegative(),
});
/** A key with its value and etcd's bookkeeping. */
export type KeyValue = z.infer<typeof KeyValue>;

const Put = z.strictObject({ key, value, lease: z.string().optional() });

/** A condition of a transaction. An absent key has create revision, mod revision and version 0. */
export const Compare = z.union([
  z.strictObject({
    key,
    target: z.enum(["create", "mod", "version"]),
    is: z.enum(["=", "!=", "<", ">"]),
    than: revision,
  }),
  z.strictObject({
    key,
    target: z.literal("value"),
    is: z.enum(["=", "!="]),
    than: value,
  }),
]);
/** A condition of a transaction. */
export type Compare = z.infer<typeof Compare>;

/** One operation of a transaction. */
export const Operation = z.union([
  z.strictObject({ put: Put }),
  z.strictObject({ delete: Selection }),
  z.strictObject({ range: Selection }),
]);
/** One operation of a transaction. */
export type Operation = z.infer<typeof Operation>;

/** What one change did to a key; a deletion carries the key alone. */
export const WatchEvent = z.union([
  z.object({ kind: z.literal("put"), kv: KeyValue }),
  z.object({ kind: z.literal("delete"), key: z.string(), revision }),
]);
/** What one change did to a key. */
export type WatchEvent = z.infer<typeof WatchEvent>;

/** What a watch tells: first all that is selected, then what changed. */
export const WatchItem = z.union([
  z.object({
    kind: z.literal("snapshot"),
    revision,
    kvs: z.array(KeyValue),
  }),
  z.object({
    kind: z.literal("events"),
    revision,
    events: z.array(WatchEvent),
  }),
]);
/** What a watch tells. */
export type WatchItem = z.infer<typeof WatchItem>;

/**
 * Tells how a watch on a single key has found it last.
 *
 * @param item What the watch told.
 * @returns The key with its newest value; undefined where it is not there.
 */
export function newestOf(item: WatchItem): KeyValue | undefined {
  if (item.kind === "snapshot") return item.kvs[0];
  const last = item.events.at(-1);
  return last?.kind === "put" ? last.kv : undefined;
}

/** The part of the store a user may reach. */
export const KvScope = z.strictObject({
  /**
   * A name that ends in `/` is a prefix, any other is one exact key. The empty one stands for every
   * key: a person's scope, which no manifest may name.
   */
  keys: z.array(z.union([z.literal(""), key])).min(1),
  /** `read` allows ranges and watches only. */
  access: z.enum(["read", "write"]).default("write"),
  /**
   * Founds a new cluster: it is served before everybody else, and its first transaction that
   * writes is what makes the store worth keeping.
   */
  founder: z.boolean().default(false),
  /** Bytes of keys and values that may be stored below `keys`; `Number.MAX_SAFE_INTEGER` is any number. */
  quota: z.int().positive().default(16 * 1024 * 1024),
}, {
  error: ({ code }) =>
    code === "invalid_type"
      ? 'Say which part of the store, such as {"keys": ["/NAME/"]}'
      : undefined,
});
/** The part of the store a user may reach. */
export type KvScope = z.infer<typeof KvScope>;

/**
 * The cluster's consistent key-value store: etcd's semantics
 * (https://etcd.io/docs/v3.4/learning/api/) within the caller's scope.
 */
export const kv = defineService({
  name: "kv",
  scope: KvScope,
  exampleScope: (plugin) => ({ keys: [`/${plugin}/`] }),
  methods: {
    /** Reads linearizably; keys in byte order. `from` and `limit` page through a prefix. */
    range: call(
      z.union([
        z.strictObject({ key }),
        z.strictObject({
          prefix: key,
          from: key.optional(),
          limit: z.int().positive().optional(),
          keysOnly: z.boolean().optional(),
        }),
      ]),
      z.object({ kvs: z.array(KeyValue), more: z.boolean(), revision }),
    ),
    /** Writes one key. */
    put: call(Put, z.object({ revision })),
    /** Deletes one key or a prefix. */
    delete: call(
      Selection,
      z.object({ deleted: z.int().nonnegative(), revision }),
    ),
    /** Applies `success` if every comparison holds, else `failure`; all at one revision. */
    txn: call(
      z.strictObject({
        compare: z.array(Compare).max(128).default([]),
        success: z.array(Operation).max(128).default([]),
        failure: z.array(Operation).max(128).default([]),
      }),
      z.object({
        succeeded: z.boolean(),
        revision,
        /** The answer of each `range` operation that was applied, in order. */
        ranges: z.array(z.array(KeyValue)),
      }),
    ),
    /**
     * Starts with a snapshot of the selection, then every change in order. Survives a restart of
     * etcd; when changes were compacted away in between, another snapshot replaces what was known.
     */
    watch: stream(Selection, WatchItem),
    /**
     * Grants a lease and keeps it alive while the stream is read: one item with its ID, to be named
     * in `put`. The lease is revoked when the caller cancels; the stream fails if etcd let it expire.
     */
    lease: stream(
      z.strictObject({ /** Seconds. */ ttl: z.int().min(1).max(3600) }),
      z.object({ lease: z.string() }),
    ),
  },
});
