import { ServiceError } from "hamlet";
import {
  type NodeRecord,
  Pending,
  Role,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import {
  addressOf,
  type AuthContext,
  type Caller,
  describe,
  identify,
  type Identity,
} from "./caller.ts";
import type { Refusals } from "./refusals.ts";

/**
 * Who may call a method: `member` is a node that both its certificate and the cluster call a member,
 * `known` a node or an operator.
 */
export type Access = "anyone" | "known" | "node" | "member" | "operator";

/** The part of a gRPC call that tells who calls. */
export interface IncomingCall {
  getPeer(): string;
  getAuthContext(): AuthContext;
}

/** Options of {@linkcode Gate}. */
export interface GateOptions {
  /** Whether a certificate of the cluster authority was revoked. */
  revoked(serial: string): boolean;
  /** A node as this member knows it now. */
  known(id: string): NodeRecord | undefined;
  /** A node as the cluster knows it: asks etcd for what this member may not have heard of yet. */
  look(id: string, signal: AbortSignal): Promise<NodeRecord | undefined>;
  /** Told of each connection whose peer has shown who it is. */
  welcome(peer: string): void;
  /** Ends a connection. */
  cut(peer: string): void;
  readonly refusals: Refusals;
}

/** Milliseconds for a status to reach somebody before the connection is cut. */
const LAST_WORDS_MS = 300;

/** A call that was let in and has not ended. */
interface OpenCall {
  readonly caller: Caller;
  readonly controller: AbortController;
}

/** Decides per call who may do what, and ends the open calls of those who no longer may. */
export class Gate {
  readonly #options: GateOptions;
  readonly #open = new Set<OpenCall>();
  /** Connections that are about to be cut. */
  readonly #cuts = new Set<ReturnType<typeof setTimeout>>();

  /** @param options See {@linkcode GateOptions}. */
  constructor(options: GateOptions) {
    this.#options = options;
  }

  /**
   * Lets a call in.
   *
   * @param call The call.
   * @param tried What it tries, for the log.
   * @param access Who may do that.
   * @param canceled Aborted when the caller cancels or goes away.
   * @returns The caller, and what to call when the call has ended.
   * @throws {RpcError} If it may not.
   */
  async admit(
    call: IncomingCall,
    tried: string,
    access: Access,
    canceled: AbortSignal,
  ): Promise<{ caller: Caller; left: () => void }> {
    const peer = call.getPeer();
    const address = addressOf(peer);
    const identity = identify(call.getAuthContext());
    const controller = new AbortController();
    const signal = AbortSignal.any([canceled, controller.signal]);
    const open = { caller: { ...identity, address, peer, signal }, controller };
    try {
      await this.#check(identity, access, signal);
    } catch (error) {
      // Who has gone, or must be asked for later, was not refused.
      const refused = error instanceof RpcError && !canceled.aborted &&
        error.code !== Code.UNAVAILABLE;
      if (refused) this.note(open.caller, tried, error.message);
      throw error;
    }
    // Revoked while that was found out, which nobody told this call yet.
    const late = this.#standing(identity);
    if (late !== undefined) throw late;
    if (identity.kind !== "anonymous") this.#options.welcome(peer);
    this.#open.add(open);
    return { caller: open.caller, left: () => this.#open.delete(open) };
  }

  /**
   * Logs that a call was refused, once per caller and reason.
   *
   * @param caller Who called.
   * @param tried What it tried, to follow "tried to".
   * @param why Why not.
   */
  note(caller: Caller, tried: string, why: string): void {
    this.#options.refusals.note(describe(caller, caller.address), tried, why);
  }

  /** Ends the open calls of those who no longer may: after a revocation, or a change of the nodes. */
  review(): void {
    for (const { caller, controller } of this.#open) {
      const problem = this.#standing(caller);
      if (problem === undefined) continue;
      this.note(caller, "go on", problem.message);
      controller.abort(problem);
      // One that reads nothing would not even notice, and keep the connection.
      const timer = setTimeout(() => {
        this.#cuts.delete(timer);
        this.#options.cut(caller.peer);
      }, LAST_WORDS_MS);
      this.#cuts.add(timer);
    }
  }

  /** Leaves it to whoever ends all connections. */
  close(): void {
    for (const timer of this.#cuts) clearTimeout(timer);
  }

  async #check(
    identity: Identity,
    access: Access,
    signal: AbortSignal,
  ): Promise<void> {
    if (identity.kind === "anonymous") {
      if (access === "anyone") return;
      throw new RpcError(
        Code.UNAUTHENTICATED,
        "Show a certificate of this cluster's authority that is not revoked",
      );
    }
    const record = identity.kind === "node"
      ? await this.#record(identity.id, signal)
      : undefined;
    if (identity.kind === "node" && record === undefined) {
      throw removed(identity.id);
    }
    if (this.#options.revoked(identity.serial)) {
      throw whyRevoked(identity, record);
    }
    if (access === "anyone" || access === "known") return;
    if (access === "operator") {
      if (identity.kind === "operator") return;
      throw new RpcError(
        Code.PERMISSION_DENIED,
        "Only an operator may do this",
      );
    }
    if (record === undefined || identity.kind !== "node") {
      throw new RpcError(Code.PERMISSION_DENIED, "Only a node may do this");
    }
    if (access === "node") return;
    if (record.role !== Role.MEMBER) {
      throw new RpcError(
        Code.PERMISSION_DENIED,
        "Only a member may do this, and this node is a worker",
      );
    }
    if (identity.role !== "member") {
      throw new RpcError(
        Code.FAILED_PRECONDITION,
        "Only a member may do this: the node is to be one, its certificate does not say so yet",
      );
    }
  }

  async #record(
    id: string,
    signal: AbortSignal,
  ): Promise<NodeRecord | undefined> {
    const known = this.#options.known(id);
    if (known !== undefined) return known;
    try {
      return await this.#options.look(id, signal);
    } catch (cause) {
      if (!(cause instanceof ServiceError)) throw cause;
      throw new RpcError(
        Code.UNAVAILABLE,
        `Cannot tell whether "${id}" belongs to the cluster: ${cause.message}`,
        undefined,
        { cause },
      );
    }
  }

  /** What is known right now against somebody who was let in. */
  #standing(identity: Identity): RpcError | undefined {
    if (identity.kind === "anonymous") return;
    if (!this.#options.revoked(identity.serial)) return;
    return whyRevoked(
      identity,
      identity.kind === "node" ? this.#options.known(identity.id) : undefined,
    );
  }
}

/** A node's certificates are revoked before its record is deleted: it is being removed, or has another one. */
function whyRevoked(
  identity: Exclude<Identity, { kind: "anonymous" }>,
  record: NodeRecord | undefined,
): RpcError {
  if (
    identity.kind === "node" &&
    (record === undefined || record.pending === Pending.REMOVAL)
  ) {
    return removed(identity.id);
  }
  return new RpcError(
    Code.PERMISSION_DENIED,
    `Certificate ${identity.serial} was revoked`,
    "revoked",
  );
}

function removed(id: string): RpcError {
  return new RpcError(
    Code.PERMISSION_DENIED,
    `Node "${id}" was removed from the cluster`,
    "removed",
  );
}
