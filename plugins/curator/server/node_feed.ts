import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { NodeRecord } from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import type { Stored } from "./nodes_store.ts";

/** What there is, or what has changed; the same object for every reader that is told the same. */
export class Batch {
  readonly #encoded = new Map<unknown, unknown>();

  /**
   * @param nodes As they are now, by ID.
   * @param gone IDs of those that are no longer there.
   * @param place Where it stands: within the backlog, at its end, or after it.
   */
  constructor(
    readonly nodes: readonly NodeRecord[],
    readonly gone: readonly string[],
    readonly place: "backlog" | "last-backlogged" | "change",
  ) {}

  /**
   * Encodes the batch, once for all its readers.
   *
   * @param encode Does it; also what the result is remembered by.
   */
  encoded<T>(encode: (batch: Batch) => T): T {
    if (!this.#encoded.has(encode)) this.#encoded.set(encode, encode(this));
    return this.#encoded.get(encode) as T; // what `encode` itself has returned
  }
}

/** Nodes of one message of the backlog: far below the 4 MiB that gRPC takes by default. */
const PAGE = 1000;
/** Changes after which a backlog is put together anew instead of being brought up to date. */
const STALE = 1000;
/** Nodes that are gone and remembered, for readers that are slow. */
const MOST_GONE = 10_000;

/** A node, and the change it came with. */
interface Entry extends Stored<NodeRecord> {
  readonly at: number;
}

/** All nodes after some change, in batches. */
interface Backlog {
  readonly batches: readonly Batch[];
  /** The same where something has changed since, so that the last of them is not the end. */
  readonly older: readonly Batch[];
  readonly at: number;
}

/**
 * All nodes as this member knows them, kept by one watch of etcd and read by any number of streams.
 * A reader has no queue, only the number of the last change that it was told: a slow one misses
 * states in between, never the newest, and costs no memory.
 */
export class NodeFeed {
  readonly #nodes = new Map<string, Entry>();
  readonly #gone = new Map<string, number>();
  /** Readers that were told less are too late. */
  #forgotten = 0;
  #at = 0;
  /** Whether it has ever been told what there is. */
  #loaded = false;
  /** Wakes each reader that waits for a change. */
  readonly #waiting = new Set<() => void>();
  #backlog: Backlog | undefined;
  /** Of the newest change, by place and by the change after which they begin. */
  readonly #changes = new Map<string, Batch>();

  /** How many nodes there are. */
  get size(): number {
    return this.#nodes.size;
  }

  /**
   * @param id A node ID.
   * @returns The node, or undefined.
   */
  get(id: string): NodeRecord | undefined {
    return this.#nodes.get(id)?.record;
  }

  /** Every node, by ID. */
  all(): NodeRecord[] {
    return Array.from(this.#nodes.values(), ({ record }) => record)
      .sort(byId);
  }

  /**
   * Replaces all that is known; what is as it was changes nothing for a reader.
   *
   * @param nodes The nodes.
   */
  reset(nodes: readonly Stored<NodeRecord>[]): void {
    const there = new Set(nodes.map(({ record }) => record.id));
    this.apply(
      nodes.filter(({ record, modRevision }) =>
        this.#nodes.get(record.id)?.modRevision !== modRevision
      ),
      [...this.#nodes.keys()].filter((id) => !there.has(id)),
    );
  }

  /**
   * Takes a change.
   *
   * @param nodes Nodes that are new or different.
   * @param gone IDs of nodes that are no longer there.
   */
  apply(nodes: readonly Stored<NodeRecord>[], gone: readonly string[]): void {
    this.#at++;
    for (const node of nodes) {
      this.#nodes.set(node.record.id, { ...node, at: this.#at });
      this.#gone.delete(node.record.id);
    }
    for (const id of gone) {
      if (!this.#nodes.delete(id)) continue;
      this.#gone.delete(id);
      this.#gone.set(id, this.#at);
    }
    for (const [id, at] of this.#gone) {
      if (this.#gone.size <= MOST_GONE) break;
      this.#gone.delete(id);
      this.#forgotten = at;
    }
    this.#loaded = true;
    this.#changes.clear();
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * Reads all nodes: what is there, the last batch of it marked, then each change.
   *
   * @param signal Ends it.
   * @throws {RpcError} `UNAVAILABLE` if the reader was too slow; it may start again.
   */
  async *watch(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    while (!this.#loaded) await this.#next(signal);
    const { batches, older, at } = this.#currentBacklog();
    let cursor = at;
    if (at === this.#at) yield* batches;
    else {
      yield* older;
      const last = this.#changesAfter(cursor, "last-backlogged");
      cursor = this.#at;
      yield last;
    }
    for (;;) {
      while (cursor === this.#at) await this.#next(signal);
      const batch = this.#changesAfter(cursor, "change");
      cursor = this.#at;
      if (batch.nodes.length + batch.gone.length > 0) yield batch;
    }
  }

  /**
   * Reads one node, which may come later, and go and come again.
   *
   * @param id The node ID.
   * @param signal Ends it.
   */
  async *watchOne(
    id: string,
    signal: AbortSignal,
  ): AsyncGenerator<Batch, void, void> {
    let known: NodeRecord | undefined;
    for (;;) {
      const record = this.get(id);
      if (record !== known) {
        const batch = record
          ? new Batch([record], [], "change")
          : new Batch([], [id], "change");
        known = record;
        yield batch;
      } else await this.#next(signal);
    }
  }

  /** Waits for the next change. One that is canceled leaves nothing behind, however long that takes to come. */
  async #next(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting.add(resolve);
    try {
      await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal.removeEventListener("abort", abort);
    }
  }

  #currentBacklog(): Backlog {
    const usable = this.#backlog && this.#backlog.at >= this.#forgotten &&
      this.#at - this.#backlog.at < STALE;
    if (this.#backlog && usable) return this.#backlog;
    const nodes = this.all();
    const batches: Batch[] = [];
    do {
      const page = nodes.splice(0, PAGE);
      const last = nodes.length === 0;
      batches.push(new Batch(page, [], last ? "last-backlogged" : "backlog"));
    } while (nodes.length > 0);
    const older = batches.map(({ nodes }) => new Batch(nodes, [], "backlog"));
    return this.#backlog = { batches, older, at: this.#at };
  }

  #changesAfter(cursor: number, place: Batch["place"]): Batch {
    if (cursor < this.#forgotten) {
      throw new RpcError(Code.UNAVAILABLE, "Too slow: watch again");
    }
    const key = `${place} ${cursor}`;
    const known = this.#changes.get(key);
    if (known) return known;
    const nodes: NodeRecord[] = [];
    for (const { record, at } of this.#nodes.values()) {
      if (at > cursor) nodes.push(record);
    }
    const gone: string[] = [];
    for (const [id, at] of this.#gone) if (at > cursor) gone.push(id);
    const batch = new Batch(nodes.sort(byId), gone, place);
    this.#changes.set(key, batch);
    return batch;
  }
}

function byId(a: NodeRecord, b: NodeRecord): number {
  return a.id < b.id ? -1 : 1;
}
