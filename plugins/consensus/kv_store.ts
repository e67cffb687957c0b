import { Buffer } from "node:buffer";
import type { CallOptions } from "@grpc/grpc-js";
import type { IRangeRequest } from "etcd3";
import { failpoint, type KeyValue, ServiceError } from "hamlet";
import { delay } from "./delay.ts";
import type { EtcdClient } from "./etcd_client.ts";
import { isTransient } from "./etcd_error.ts";
import type { EtcdLink } from "./etcd_link.ts";
import { prefixEnd } from "./key_range.ts";
import { toKeyValue } from "./key_value.ts";

/** Options of {@linkcode KvStore}. */
export interface KvStoreOptions {
  /** The way to etcd. */
  readonly link: EtcdLink;
  /** Bytes written after which etcd forgets what the keys were before. */
  readonly history: number;
}

/** Does one call with the options that it is given. */
export type Send<T> = (client: EtcdClient, options: CallOptions) => Promise<T>;

/** All that a range asked for, at one revision. */
export interface RangeAnswer {
  readonly kvs: KeyValue[];
  /** Whether the limit left something out. */
  readonly more: boolean;
  readonly revision: number;
}

/** Milliseconds before a failed read is tried again. */
const PAUSE = 100;
/** How many keys a count reads at once: 64 MB if each has the largest value. */
const PAGE = 64;

/** Reads and writes an etcd that may be away for a while. */
export class KvStore {
  readonly #link: EtcdLink;
  readonly #history: number;
  #written = 0;

  /** @param options See {@linkcode KvStoreOptions}. */
  constructor(options: KvStoreOptions) {
    this.#link = options.link;
    this.#history = options.history;
  }

  /**
   * Reads, again and again until the deadline if etcd is away.
   *
   * @param signal Ends that.
   * @param send Makes one try.
   * @throws {ServiceError} `unavailable` after the deadline.
   */
  async read<T>(signal: AbortSignal, send: Send<T>): Promise<T> {
    const deadline = Date.now() + this.#link.deadline;
    const client = await this.#link.client(deadline);
    for (;;) {
      try {
        return await send(client, { deadline });
      } catch (error) {
        const again = isTransient(error) && Date.now() + PAUSE < deadline;
        if (!again) throw error;
      }
      await delay(PAUSE, signal);
      signal.throwIfAborted();
    }
  }

  /**
   * Reads keys.
   *
   * @param signal Ends the wait for etcd.
   * @param request Which, in etcd's names.
   * @throws {ServiceError} `unavailable` after the deadline.
   */
  async range(
    signal: AbortSignal,
    request: IRangeRequest,
  ): Promise<RangeAnswer> {
    const { kvs, more, header } = await this.read(
      signal,
      (client, options) => client.kv.range(request, options),
    );
    return {
      kvs: kvs.map(toKeyValue),
      more,
      revision: Number(header.revision),
    };
  }

  /**
   * Counts the bytes of keys and values.
   *
   * @param signal Ends the wait for etcd.
   * @param keys Of which: a name that ends in `/` is a prefix, any other one key.
   * @throws {ServiceError} `unavailable` after the deadline.
   */
  async size(signal: AbortSignal, keys: readonly string[]): Promise<number> {
    let bytes = 0;
    for (const key of keys) {
      // As etcd's API has it, a range from zero byte to zero byte is every key.
      const range_end = key === ""
        ? { range_end: Buffer.of(0) }
        : key.endsWith("/")
        ? { range_end: prefixEnd(key) }
        : {};
      for (let start: Buffer | undefined = Buffer.from(key || "\0"); start;) {
        const page: IRangeRequest = { key: start, ...range_end, limit: PAGE };
        const { kvs, more } = await this.read(
          signal,
          (client, options) => client.kv.range(page, options),
        );
        for (const kv of kvs) bytes += kv.key.length + kv.value.length;
        const last = kvs.at(-1)?.key;
        start = more && last ? Buffer.concat([last, Buffer.of(0)]) : undefined;
      }
    }
    return bytes;
  }

  /**
   * Writes once: what was sent is not sent again, since etcd may have applied it.
   *
   * etcd keeps what the keys were before for a time. Somebody who writes a lot in it, however little
   * he stores, would fill the database and so stop everybody, revocations included: therefore what
   * is old is forgotten by size too.
   *
   * @param bytes The size of the keys and values.
   * @param send Does it.
   * @throws {ServiceError} `unavailable` if etcd was away, or was lost before it answered.
   */
  async write<T extends { readonly revision: number }>(
    bytes: number,
    send: Send<T>,
  ): Promise<T> {
    const deadline = Date.now() + this.#link.deadline;
    const client = await this.#link.client(deadline);
    failpoint("before kv write");
    const written = await send(client, { deadline }).catch((error: unknown) => {
      if (!(isTransient(error) && error instanceof Error)) throw error;
      throw new ServiceError(
        "unavailable",
        `Cannot tell whether a write was applied: ${error.message}`,
        { cause: error },
      );
    });
    failpoint("after kv write");
    this.#written += bytes;
    if (this.#written > this.#history) {
      this.#written = 0;
      // Somebody else may have compacted further; what fails is made up for by the next time.
      await client.kv.compact({ revision: written.revision }).catch(() => {});
    }
    return written;
  }
}
