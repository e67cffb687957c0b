import * as v from "valibot";
import { call, defineService, stream } from "../service/contract.ts";
import { Keys, OneOf } from "../service/keys.ts";
import { Bytes, Count, Integer } from "../service/values.ts";

/** etcd refuses requests above 1.5 MiB (`--max-request-bytes`); this leaves room for the rest of one. */
export const MAX_VALUE_BYTES = 1024 * 1024;

/** The longest key, in UTF-16 code units. */
export const MAX_KEY_LENGTH = 4096;

const text = v.pipe(
  v.string(),
  v.maxLength(MAX_KEY_LENGTH, `A key has at most ${MAX_KEY_LENGTH} characters`),
  v.check(
    (text) => text.isWellFormed(),
    "A key is text that UTF-8 can write",
  ),
);
const key = v.pipe(text, v.minLength(1, "A key cannot be empty"));
const value = v.pipe(
  Bytes,
  v.check(
    (bytes) => bytes.byteLength <= MAX_VALUE_BYTES,
    `A value is at most ${MAX_VALUE_BYTES} bytes`,
  ),
);
/** An etcd revision; far below 2^53 for as long as a cluster can live. */
const revision = Count;

/** One key, or every key that starts with a prefix. */
export const Selection = v.union([
  v.strictObject({ key }),
  v.strictObject({ prefix: key }),
]);
/** One key, or every key that starts with a prefix. */
export type Selection = v.InferOutput<typeof Selection>;

/** A key with its value and etcd's bookkeeping. */
export const KeyValue = v.object({
  key: v.string(),
  value: Bytes,
  createRevision: revision,
  modRevision: revision,
  /** How often it was written since it was created, from 1. */
  version: Count,
});
/** A key with its value and etcd's bookkeeping. */
export type KeyValue = v.InferOutput<typeof KeyValue>;

const Put = v.strictObject({ key, value, lease: v.optional(v.string()) });

/** A condition of a transaction. An absent key has create revision, mod revision and version 0. */
export const Compare = v.variant("target", [
  v.strictObject({
    key,
    target: v.picklist(["create", "mod", "version"]),
    is: v.picklist(["=", "!=", "<", ">"]),
    than: revision,
  }),
  v.strictObject({
    key,
    target: v.literal("value"),
    is: v.picklist(["=", "!="]),
    than: value,
  }),
]);
/** A condition of a transaction. */
export type Compare = v.InferOutput<typeof Compare>;

/** One operation of a transaction. */
export const Operation = v.union([
  v.strictObject({ put: Put }),
  v.strictObject({ delete: Selection }),
  v.strictObject({ range: Selection }),
]);
/** One operation of a transaction. */
export type Operation = v.InferOutput<typeof Operation>;

/** What one change did to a key; a deletion carries the key alone. */
export const WatchEvent = v.variant("kind", [
  v.object({ kind: v.literal("put"), kv: KeyValue }),
  v.object({ kind: v.literal("delete"), key: v.string(), revision }),
]);
/** What one change did to a key. */
export type WatchEvent = v.InferOutput<typeof WatchEvent>;

/** What a watch tells: first all that is selected, then what changed. */
export const WatchItem = v.variant("kind", [
  v.object({
    kind: v.literal("snapshot"),
    revision,
    kvs: v.array(KeyValue),
  }),
  v.object({
    kind: v.literal("events"),
    revision,
    events: v.array(WatchEvent),
  }),
]);
/** What a watch tells. */
export type WatchItem = v.InferOutput<typeof WatchItem>;

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
export const KvScope = Keys({
  /**
   * A name that ends in `/` is a prefix, any other is one exact key. The empty one stands for every
   * key: a person's scope, which no manifest may name.
   */
  keys: v.pipe(
    v.array(text, 'Write a list, such as ["/NAME/"]'),
    v.minLength(1, 'Name a key, or the beginning of keys such as "/NAME/"'),
  ),
  /** `read` allows ranges and watches only. */
  access: v.optional(OneOf(["read", "write"]), "write"),
  /**
   * Founds a new cluster: it is served before everybody else, and its first transaction that
   * writes is what makes the store worth keeping.
   */
  founder: v.optional(v.boolean(), false),
  /** Bytes of keys and values that may be stored below `keys`; `Number.MAX_SAFE_INTEGER` is any number. */
  quota: v.optional(v.pipe(Integer, v.minValue(1)), 16 * 1024 * 1024),
}, { instead: 'Say which part of the store, such as {"keys": ["/NAME/"]}' });
/** The part of the store a user may reach. */
export type KvScope = v.InferOutput<typeof KvScope>;

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
      v.union([
        v.strictObject({ key }),
        v.strictObject({
          prefix: key,
          from: v.optional(key),
          limit: v.optional(v.pipe(Integer, v.minValue(1))),
          keysOnly: v.optional(v.boolean()),
        }),
      ]),
      v.object({ kvs: v.array(KeyValue), more: v.boolean(), revision }),
    ),
    /** Writes one key. */
    put: call(Put, v.object({ revision })),
    /** Deletes one key or a prefix. */
    delete: call(
      Selection,
      v.object({ deleted: Count, revision }),
    ),
    /** Applies `success` if every comparison holds, else `failure`; all at one revision. */
    txn: call(
      v.strictObject({
        compare: v.optional(v.pipe(v.array(Compare), v.maxLength(128)), []),
        success: v.optional(v.pipe(v.array(Operation), v.maxLength(128)), []),
        failure: v.optional(v.pipe(v.array(Operation), v.maxLength(128)), []),
      }),
      v.object({
        succeeded: v.boolean(),
        revision,
        /** The answer of each `range` operation that was applied, in order. */
        ranges: v.array(v.array(KeyValue)),
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
      v.strictObject({
        /** Seconds. */ ttl: v.pipe(Integer, v.minValue(1), v.maxValue(3600)),
      }),
      v.object({ lease: v.string() }),
    ),
  },
});
