import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { CallOptions, KeyValue, Logger } from "hamlet";
import {
  type SessionRecord,
  SessionRecordSchema,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { toRecordRole } from "../roles.ts";
import type { NodeCaller } from "./caller.ts";
import type { Store } from "./nodes_store.ts";

const SESSIONS = "/sessions/";
/** Earlier starts of a node that are remembered. */
const MOST_STARTS = 16;

/** Options of {@linkcode Sessions}. */
export interface SessionsOptions {
  readonly store: Store;
  /** This member, and the random number of this start of it. */
  readonly self: { readonly id: string; readonly instance: Uint8Array };
  /** Told of machines that have the same key. */
  readonly log: Logger;
  /** Whether this is the only node, so that nobody else has to know. @default Never */
  readonly alone?: () => boolean;
}

/** When and as what each node was last heard, in etcd, so that every member knows. */
export class Sessions {
  readonly #store: Store;
  readonly #self: SessionsOptions["self"];
  readonly #log: Logger;
  readonly #alone: () => boolean;
  /** By this machine's own clock, since those of the members may differ. */
  readonly #heard = new Map<string, { session: SessionRecord; at: number }>();
  /** The copy of this member that the log has last. */
  #told: Uint8Array | undefined;

  /** @param options See {@linkcode SessionsOptions}. */
  constructor({ store, self, log, alone = () => false }: SessionsOptions) {
    this.#store = store;
    this.#self = self;
    this.#log = log;
    this.#alone = alone;
  }

  /**
   * Refuses a report of another machine that runs as this member: no other start of it can be there while this one is.
   *
   * @param caller Who reports.
   * @param instance The start of its program.
   * @param here Where this member is, as far as it is known.
   * @throws {RpcError} `cloned`, or `UNAVAILABLE` where this one is the copy, and is told that next.
   */
  refuseCopy(
    { id, address }: NodeCaller,
    instance: Uint8Array<ArrayBuffer>,
    here = "an address that it has not told",
  ): void {
    const self = this.#self;
    if (id !== self.id || same(instance, self.instance)) return;
    const clones = this.last(id)?.session.clones ?? [];
    if (clones.some((clone) => same(clone, self.instance))) {
      throw new RpcError(
        Code.UNAVAILABLE,
        "This machine is a copy of another one",
      );
    }
    // It asks at each of this member's addresses.
    if (this.#told === undefined || !same(this.#told, instance)) {
      this.#tellOfCopy(id, here, address);
    }
    this.#told = instance;
    throw cloned(id, here);
  }

  /**
   * Takes a report.
   *
   * A machine that was cloned together with its disk has the same key and certificate. What it does
   * not share is the start of the program. A start that reports twice after a later one has reported
   * is no restart: both run. The earlier one goes on, the later one is told what it is. Once does not
   * count: that may be the last report of a machine that went down, which a member without a majority
   * has held until it was back.
   *
   * @param caller Who reports.
   * @param instance The start of its program.
   * @param options To cancel it.
   * @throws {RpcError} `cloned`, or `UNAVAILABLE` where it would have to report again.
   */
  async note(
    caller: NodeCaller,
    instance: Uint8Array<ArrayBuffer>,
    options: CallOptions,
  ): Promise<void> {
    // A machine that has nothing to do is not to write to its disk all the time.
    if (this.#alone() && this.#isKnown(caller, instance)) return;
    const key = SESSIONS + caller.id;
    for (;;) {
      const { kvs: [kv] } = await this.#store.range({ key }, options);
      const session = kv
        ? fromBinary(SessionRecordSchema, kv.value)
        : create(SessionRecordSchema);
      const { address } = session;
      const found = place(session, instance);
      if (found === "clone") throw cloned(caller.id, address);
      if (found !== "returning") {
        session.seenAt = timestampNow();
        session.address = caller.address;
        session.serial = caller.serial;
        session.role = toRecordRole(caller.role);
      }
      const { succeeded } = await this.#store.txn({
        compare: [{
          key,
          target: "mod",
          is: "=",
          than: kv?.modRevision ?? 0,
        }],
        success: [{
          put: { key, value: toBinary(SessionRecordSchema, session) },
        }],
      }, options);
      if (!succeeded) continue;
      if (found === "returning") {
        throw new RpcError(
          Code.UNAVAILABLE,
          `A later start of node "${caller.id}", at ${address}, has reported already`,
        );
      }
      if (found === "original") {
        this.#tellOfCopy(caller.id, caller.address, address);
      }
      return;
    }
  }

  /**
   * Follows when the nodes are heard, until it is canceled.
   *
   * @param options To end it.
   */
  async follow(options: CallOptions): Promise<void> {
    const watch = this.#store.watch({ prefix: SESSIONS }, options);
    for await (const item of watch) {
      if (item.kind === "snapshot") this.#heard.clear();
      for (const event of item.kind === "snapshot" ? [] : item.events) {
        if (event.kind === "put") this.#hear(event.kv);
        else this.#heard.delete(event.key.slice(SESSIONS.length));
      }
      // How long ago that was, only clocks of other machines could tell: it counts as now.
      if (item.kind === "snapshot") item.kvs.forEach((kv) => this.#hear(kv));
    }
  }

  /**
   * Tells how a node was last heard.
   *
   * @param id The node ID.
   * @returns What it said, and how many milliseconds ago at most; undefined where it never did.
   */
  last(id: string): { session: SessionRecord; ago: number } | undefined {
    const heard = this.#heard.get(id);
    return heard &&
      { session: heard.session, ago: performance.now() - heard.at };
  }

  /** Whether nothing is new of a node but that it is there, which is noted. */
  #isKnown(
    { id, address, serial, role }: NodeCaller,
    instance: Uint8Array<ArrayBuffer>,
  ): boolean {
    const heard = this.#heard.get(id);
    if (heard === undefined) return false;
    const { session } = heard;
    const known = same(session.instance, instance) &&
      session.address === address && session.serial === serial &&
      session.role === toRecordRole(role);
    if (known) heard.at = performance.now();
    return known;
  }

  #tellOfCopy(id: string, original: string, copy: string): void {
    this.#log.error(
      `Two machines run at the same time with the key of node "${id}", at ${original} and ${copy}: the one that came later is a copy of the other's disk; give it an identity of its own with hamlet reset`,
    );
  }

  #hear({ key, value }: Pick<KeyValue, "key" | "value">): void {
    this.#heard.set(key.slice(SESSIONS.length), {
      session: fromBinary(SessionRecordSchema, value),
      at: performance.now(),
    });
  }

  /**
   * Waits until a node reports in some way.
   *
   * @param id The node ID.
   * @param after What it said up to this revision of the store does not count.
   * @param wanted What its session has to be like.
   * @param options To cancel it.
   * @returns The session.
   */
  async until(
    id: string,
    after: number,
    wanted: (session: SessionRecord) => boolean,
    options: CallOptions,
  ): Promise<SessionRecord> {
    const watch = this.#store.watch({ key: SESSIONS + id }, options);
    for await (const item of watch) {
      const kvs = item.kind === "snapshot"
        ? item.kvs
        : item.events.flatMap((event) =>
          event.kind === "put" ? [event.kv] : []
        );
      for (const { value, modRevision } of kvs) {
        const session = fromBinary(SessionRecordSchema, value);
        if (modRevision > after && wanted(session)) return session;
      }
    }
    throw new RpcError(Code.CANCELLED, `Canceled the wait for node "${id}"`);
  }

  /**
   * Forgets a node.
   *
   * @param id The node ID.
   * @param options To cancel it.
   */
  async forget(id: string, options: CallOptions): Promise<void> {
    await this.#store.delete({ key: SESSIONS + id }, options);
  }
}

/** Says what a start is to the ones that are known, and notes it among them. */
function place(
  session: SessionRecord,
  instance: Uint8Array<ArrayBuffer>,
): "current" | "new" | "returning" | "original" | "clone" {
  const isIt = (other: Uint8Array) => same(other, instance);
  if (session.clones.some(isIt)) return "clone";
  if (isIt(session.instance)) return "current";
  const original = session.superseded.some(isIt);
  if (original && !isIt(session.returning)) {
    session.returning = instance;
    return "returning";
  }
  const others = session.superseded.filter((other) => !isIt(other));
  if (original) {
    session.clones = [session.instance, ...session.clones].slice(
      0,
      MOST_STARTS,
    );
    session.superseded = others;
    session.returning = new Uint8Array();
  } else if (session.instance.length > 0) {
    session.superseded = [session.instance, ...others].slice(0, MOST_STARTS);
  }
  session.instance = instance;
  return original ? "original" : "new";
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.toHex() === other.toHex();
}

function cloned(id: string, address: string): RpcError {
  return new RpcError(
    Code.FAILED_PRECONDITION,
    `Another machine, at ${address}, runs with the key of node "${id}" and was there first: this one is a copy of its disk`,
    "cloned",
  );
}
