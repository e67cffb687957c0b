import {
  type ca,
  type CallOptions,
  type Client,
  failpoint,
  ServiceError,
} from "hamlet";
import {
  type NodeRecord,
  Pending,
  Role,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { Members } from "./members.ts";
import { type NodesStore, unknownNode } from "./nodes_store.ts";
import type { Sessions } from "./sessions.ts";

/** Options of {@linkcode Departures}. */
export interface DeparturesOptions {
  readonly authorities: Client<typeof ca>;
  readonly members: Members;
  readonly nodes: NodesStore;
  readonly sessions: Sessions;
  /** The node ID of this member. */
  readonly self: string;
}

/** What was done. */
export interface Step {
  /** For a person. */
  readonly step: string;
  /** Whether it was the last one. */
  readonly done: boolean;
}

/** What takes a node out of the members: while etcd is asked, and from when that is certain. */
interface Departure {
  readonly asked: Pending;
  readonly decided: Pending;
  /** To follow the node. */
  readonly what: string;
}

const REMOVAL: Departure = {
  asked: Pending.REMOVAL_ASKED,
  decided: Pending.REMOVAL,
  what: "is being removed",
};
const DEMOTION: Departure = {
  asked: Pending.DEMOTION_ASKED,
  decided: Pending.DEMOTION,
  what: "becomes a worker",
};

/**
 * Takes nodes out of the cluster, and members out of the members. etcd may refuse to let a member go,
 * so its record says at first that etcd is asked, which comes to nothing where it refuses. What is
 * certain is marked as such, so that whoever leads can bring it to its end; each step may be done twice.
 */
export class Departures {
  readonly #options: DeparturesOptions;

  /** @param options See {@linkcode DeparturesOptions}. */
  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /**
   * Takes a node out of the cluster.
   *
   * @param node Its ID or name.
   * @param call To cancel it.
   * @returns The steps as they are done.
   * @throws {RpcError} `NOT_FOUND`, or `FAILED_PRECONDITION` if no majority would be left.
   */
  remove(node: string, call: CallOptions): AsyncGenerator<Step, void, void> {
    return this.#begin(node, REMOVAL, call);
  }

  /**
   * Makes a member a worker.
   *
   * @param node Its ID or name.
   * @param call To cancel it.
   * @returns The steps as they are done.
   * @throws {RpcError} `NOT_FOUND`, or `FAILED_PRECONDITION` if no majority would be left.
   */
  demote(node: string, call: CallOptions): AsyncGenerator<Step, void, void> {
    return this.#begin(node, DEMOTION, call);
  }

  /**
   * Goes on with what was begun, as far as it gets, unless somebody else has brought it to its end.
   *
   * @param id The node's ID.
   * @param call To cancel it.
   * @returns The steps as they are done.
   */
  async *finish(
    id: string,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    const record = (await this.#options.nodes.read(id, call))?.record;
    if (record === undefined) return;
    const departure = departureOf(record);
    if (departure === undefined) return;
    if (await this.#leave(record, departure, call)) {
      yield { step: "It is no member any more", done: false };
    }
    try {
      yield* departure === REMOVAL
        ? this.#remove(record, call)
        : this.#demote(record, call);
    } catch (error) {
      throw whereNoMajority(
        error,
        `Node "${record.name}" is on its way out, and the cluster goes on with that by itself`,
      );
    }
  }

  /**
   * Decides what became of a departure of which etcd was asked, by somebody who is no longer there to
   * tell: it has begun if etcd has let the member go, else it is taken back.
   *
   * @param record The node.
   * @param call To cancel it.
   * @returns Whether it was taken back.
   */
  async settle(record: NodeRecord, call: CallOptions): Promise<boolean> {
    const { members, nodes } = this.#options;
    const departure = departureOf(record);
    if (departure?.asked !== record.pending) return false;
    // Answered by a leader that has all that was committed, so that the list after it has that too.
    await nodes.read(record.id, call);
    if (!await members.has(record, call)) return false;
    await this.#takeBack(record, departure, call);
    return true;
  }

  async *#begin(
    node: string,
    departure: Departure,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    const { nodes, members, self } = this.#options;
    const found = await nodes.find(node, call).catch(noMajority);
    if (!found) throw unknownNode(node);
    const { id, name: called, role, pending } = found.record;
    if (
      departure === DEMOTION && role === Role.WORKER &&
      pending === Pending.UNSPECIFIED
    ) {
      yield {
        step: `Node "${called}" (${id}) is a worker already`,
        done: true,
      };
      return;
    }
    // Who is on his way out stays for nobody.
    const leaving = (await nodes.all(call)).filter((record) =>
      record.id !== id && departureOf(record) !== undefined
    );
    await members.refuseIfLost(found.record, call, leaving);
    // Nobody but etcd refuses, and this member cannot ask it about itself: it would not learn the answer.
    const asks = id !== self && await members.has(found.record, call);
    const record = await this.#mark(
      id,
      asks ? departure.asked : departure.decided,
      call,
    ).catch((error) => {
      throw whereNoMajority(
        error,
        `Cannot tell whether "${found.record.name}" is on its way out, which hamlet nodes tells later`,
      );
    });
    failpoint("departure marked");
    const name = `Node "${record.name}" (${id})`;
    yield { step: `${name} ${departure.what}`, done: false };
    if (id !== self) {
      yield* this.finish(id, call);
      return;
    }
    const leads = await members.handOver(call);
    yield {
      step: leads
        ? `Another member leads now, and takes this one out`
        : `The leader takes this node out`,
      done: true,
    };
  }

  /** Writes down what becomes of a node, unless more than that is certain. */
  async #mark(
    id: string,
    pending: Pending,
    call: CallOptions,
  ): Promise<NodeRecord> {
    return await this.#options.nodes.update(id, (record) => {
      const there = departureOf(record);
      const wanted = departureOf({ pending });
      if (there === REMOVAL && wanted === DEMOTION) {
        throw new RpcError(
          Code.FAILED_PRECONDITION,
          `Node "${record.name}" ${REMOVAL.what}`,
        );
      }
      if (there === wanted && record.pending === there?.decided) return false;
      if (record.pending === pending) return false;
      record.pending = pending;
      return true;
    }, call);
  }

  /** Takes a node's etcd out of the members; from then on the departure is certain. */
  async #leave(
    record: NodeRecord,
    departure: Departure,
    call: CallOptions,
  ): Promise<boolean> {
    let member: boolean;
    try {
      member = await this.#options.members.drop(record, call);
    } catch (error) {
      if (record.pending !== departure.asked) throw error;
      if (!isRefusal(error)) {
        throw whereNoMajority(
          error,
          `etcd did not say whether it takes "${record.name}" out of the members; if it has, the cluster goes on with that by itself, else nothing changes, and hamlet nodes tells`,
        );
      }
      // The operator may be gone by now, which changes nothing about it. Where it fails, the leader does it.
      await this.#takeBack(record, departure, {}).catch(() => {});
      throw error;
    }
    failpoint("member removed");
    if (record.pending === departure.asked) {
      await this.#mark(record.id, departure.decided, call);
      failpoint("departure certain");
    }
    return member;
  }

  async #takeBack(
    { id }: NodeRecord,
    { asked }: Departure,
    call: CallOptions,
  ): Promise<void> {
    failpoint("departure refused");
    await this.#options.nodes.update(id, (record) => {
      if (record.pending !== asked) return false;
      record.pending = Pending.UNSPECIFIED;
      return true;
    }, call);
  }

  async *#remove(
    { id, name }: NodeRecord,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    const { authorities, nodes, sessions } = this.#options;
    const revoked = await revokeAll(authorities, id, call);
    if (revoked > 0) {
      yield { step: `Its certificates are revoked: ${revoked}`, done: false };
    }
    failpoint("certificates revoked");
    await sessions.forget(id, call);
    failpoint("session forgotten");
    await nodes.remove(id, name, call);
    failpoint("node deleted");
    yield {
      step: `It is out of the cluster, and "${name}" is free`,
      done: true,
    };
  }

  async *#demote(
    { id }: NodeRecord,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    const { authorities, nodes, sessions } = this.#options;
    await nodes.update(id, (record) => {
      if (record.role === Role.WORKER) return false;
      record.role = Role.WORKER;
      return true;
    }, call);
    failpoint("member demoted");
    const stored = await nodes.read(id, call);
    if (!stored) throw unknownNode(id);
    // It learns that, asks for another certificate, and reports with it. What it said as the worker that it was before
    // it became a member does not tell which certificate it has now.
    const session = await sessions.until(
      id,
      stored.modRevision,
      ({ role }) => role === Role.WORKER,
      call,
    );
    yield { step: "It runs as a worker", done: false };
    await revokeFormer(authorities, id, session.serial, call);
    await nodes.update(id, (record) => {
      if (record.pending !== Pending.DEMOTION) return false;
      record.pending = Pending.UNSPECIFIED;
      return true;
    }, call);
    yield { step: "Its certificates of a member are revoked", done: true };
  }
}

function departureOf(
  { pending }: Pick<NodeRecord, "pending">,
): Departure | undefined {
  return [REMOVAL, DEMOTION].find(({ asked, decided }) =>
    pending === asked || pending === decided
  );
}

/** Whether etcd has not done what it was asked for, and will not; otherwise it may yet. */
function isRefusal(error: unknown): boolean {
  return error instanceof RpcError ||
    error instanceof ServiceError && error.code === "failed-precondition";
}

/** Nothing can be taken out of a cluster that cannot write that down. */
function noMajority(cause: unknown): never {
  throw whereNoMajority(
    cause,
    "Nothing can be taken out of the cluster",
  );
}

/** Says what is the case where the cluster does not answer. */
function whereNoMajority(cause: unknown, what: string): unknown {
  if (!(cause instanceof ServiceError) || cause.code !== "unavailable") {
    return cause;
  }
  return new RpcError(
    Code.UNAVAILABLE,
    `${what}: no majority of the members answers (${cause.message}); bring members back, or take over with what is left by hamlet recover`,
    undefined,
    { cause },
  );
}

/** Revokes every certificate of a node, of both authorities. */
async function revokeAll(
  authorities: Client<typeof ca>,
  name: string,
  call: CallOptions,
): Promise<number> {
  try {
    return (await authorities.revoke({ name }, call)).revoked.length;
  } catch (error) {
    const none = error instanceof ServiceError && error.code === "not-found";
    if (none) return 0;
    throw error;
  }
}

/**
 * Revokes what a node had as a member, and as a worker before the certificate that it has reported with. It may have had
 * that one renewed since, for another address.
 */
async function revokeFormer(
  authorities: Client<typeof ca>,
  name: string,
  reported: string,
  call: CallOptions,
): Promise<void> {
  const { certificates } = await authorities.list({}, call);
  const own = certificates.filter((one) => one.name === name);
  const at = own.findIndex(({ serial }) => serial === reported);
  for (const [index, { serial, authority, role, revoked }] of own.entries()) {
    if (revoked || role === "worker" && index >= at) continue;
    await authorities.revoke({ serial, authority }, call);
  }
}
