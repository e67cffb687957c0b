import { Duplex } from "node:stream";
import type { IEvent, IWatchResponse } from "etcd3";
import {
  type kv,
  type Selection,
  ServiceError,
  type v,
  type WatchEvent,
} from "hamlet";
import { delay } from "./delay.ts";
import { isTransient, toEtcdError } from "./etcd_error.ts";
import type { EtcdLink } from "./etcd_link.ts";
import { keyRange } from "./key_range.ts";
import { toKeyValue } from "./key_value.ts";
import type { KvStore } from "./kv_store.ts";

/** What a watch hands out: what there is, then what changes. */
export type WatchItem = v.InferInput<typeof kv.methods.watch.output>;

/** Options of {@linkcode watchKeys}. */
export interface WatchKeysOptions {
  readonly link: EtcdLink;
  readonly store: KvStore;
  /** What to watch. */
  readonly selection: Selection;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** What came after the last revision that was seen is no longer known to etcd. */
class HistoryLostError extends Error {
  override readonly name = "HistoryLostError";
}

/** Milliseconds before another try when etcd is there, yet fails. */
const PAUSE = 100;

/**
 * Watches keys for as long as the reader wants, whatever happens to etcd: every change once, in
 * order, all of one revision together. What the reader does not take stays in etcd, so that memory
 * is bounded: every watch has an HTTP/2 stream of its own, whose flow control reaches from there to
 * here.
 *
 * etcd3's own watcher is not good enough: it takes what it is sent whether somebody reads or not,
 * ends at a compaction, and loses what happened between two connections that break one after the
 * other, since it goes on from the revision at which the second one began.
 *
 * @param options See {@linkcode WatchKeysOptions}.
 * @returns A snapshot, then changes; another snapshot where changes were compacted away.
 */
export async function* watchKeys(
  options: WatchKeysOptions,
): AsyncGenerator<WatchItem, void, void> {
  const { store, selection, signal } = options;
  let next: number | undefined;
  while (!signal.aborted) {
    try {
      if (next === undefined) {
        const { revision, kvs } = await store.range(
          signal,
          keyRange(selection),
        );
        yield { kind: "snapshot", revision, kvs };
        next = revision + 1;
      }
      for await (const events of changes(options, next)) {
        const revision = lastRevision(events);
        yield { kind: "events", revision, events: events.map(toWatchEvent) };
        next = revision + 1;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof HistoryLostError) next = undefined;
      else if (!isTransient(error)) throw error;
    }
    await delay(PAUSE, signal);
  }
}

/** Every event from a revision on, for as long as one stream lasts; whole revisions at a time. */
async function* changes(
  { link, selection, signal }: WatchKeysOptions,
  from: number,
): AsyncGenerator<IEvent[], void, void> {
  const client = await link.client(Date.now() + link.deadline);
  const stream = await client.watch.watch();
  const cancel = () => stream.cancel();
  signal.addEventListener("abort", cancel);
  try {
    signal.throwIfAborted();
    // A stream of gRPC is one of Node.js, which is only read as fast as this loop goes.
    if (!(stream instanceof Duplex)) throw new TypeError("Cannot read a watch");
    const responses: AsyncIterable<IWatchResponse> = stream;
    // Without `fragment`, all that a watch has missed comes in one message, however long.
    stream.write({
      create_request: {
        ...keyRange(selection),
        start_revision: String(from),
        fragment: true,
      },
    });
    let next = from;
    let incomplete: IEvent[] = [];
    for await (const response of responses) {
      checkContinues(response, from);
      // After a snapshot from its leader, a member may repeat what is older than what was asked for:
      // https://github.com/etcd-io/etcd/issues/15271 and 20221
      const events = incomplete.concat(
        response.events.filter(({ kv }) => Number(kv.mod_revision) >= next),
      );
      incomplete = response.fragment ? cutLastRevision(events) : [];
      if (events.length === 0) continue;
      next = lastRevision(events) + 1;
      yield events;
    }
  } catch (error) {
    throw toEtcdError(error);
  } finally {
    signal.removeEventListener("abort", cancel);
    stream.cancel();
  }
}

/** @throws {HistoryLostError | ServiceError} If the watch ends with this response. */
function checkContinues(response: IWatchResponse, from: number): void {
  if (response.compact_revision !== "0") {
    throw new HistoryLostError(
      `The changes since revision ${from} were compacted away`,
    );
  }
  if (response.created && Number(response.header.revision) < from - 1) {
    // etcd would say nothing until it gets as far as that.
    throw new HistoryLostError(
      `The store is at revision ${response.header.revision}, before ${from}: it is another one`,
    );
  }
  if (response.canceled) {
    throw new ServiceError("unavailable", response.cancel_reason);
  }
}

/** Takes the events of the last revision out: in a fragment they may not be all of them. */
function cutLastRevision(events: IEvent[]): IEvent[] {
  const last = events.at(-1)?.kv.mod_revision;
  const start = events.findIndex(({ kv }) => kv.mod_revision === last);
  return start === -1 ? [] : events.splice(start);
}

function lastRevision(events: readonly IEvent[]): number {
  return Number(events.at(-1)?.kv.mod_revision);
}

function toWatchEvent({ type, kv }: IEvent): WatchEvent {
  const changed = toKeyValue(kv);
  return type === "Put"
    ? { kind: "put", kv: changed }
    : { kind: "delete", key: changed.key, revision: changed.modRevision };
}
