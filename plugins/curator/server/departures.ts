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

/**
 * Takes nodes out of the cluster, and members out of the members. What was begun is marked in the
 * node's record first, so that whoever leads can bring it to its end; each step may be done twice.
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
  async *remove(
    node: string,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    yield* this.#begin(node, Pending.REMOVAL, "is being removed", call);
  }

  /**
   * Makes a member a worker.
   *
   * @param node Its ID or name.
   * @param call To cancel it.
   * @returns The steps as they are done.
   * @throws {RpcError} `NOT_FOUND`, or `FAILED_PRECONDITION` if no majority would be left.
   */
  async *demote(
    node: string,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    yield* this.#begin(node, Pending.DEMOTION, "becomes a worker", call);
  }

  /**
   * Goes on with what was begun, as far as it gets.
   *
   * @param record The node.
   * @param call To cancel it.
   * @returns The steps as they are done.
   */
  async *finish(
    record: NodeRecord,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    if (record.pending === Pending.REMOVAL) yield* this.#remove(record, call);
    if (record.pending === Pending.DEMOTION) yield* this.#demote(record, call);
  }

  async *#begin(
    node: string,
    pending: Pending,
    what: string,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    const { nodes, members, self } = this.#options;
    const found = await nodes.find(node, call).catch(whereNoMajority);
    if (!found) throw unknownNode(node);
    await members.refuseIfLost(found.record, call);
    const record = await nodes.update(found.record.id, (record) => {
      // A removal is not taken back.
      if (record.pending === Pending.REMOVAL) return false;
      record.pending = pending;
      return true;
    }, call);
    failpoint("departure marked");
    const name = `Node "${record.name}" (${record.id})`;
    yield { step: `${name} ${what}`, done: false };
    if (record.id !== self) {
      yield* this.finish(record, call);
      return;
    }
    // Without its own etcd, this member could not write down that it is gone.
    const leads = await members.handOver(call);
    yield {
      step: leads
        ? `Another member leads now, and takes this one out`
        : `The leader takes this node out`,
      done: true,
    };
  }

  async *#remove(
    record: NodeRecord,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    const { authorities, members, nodes, sessions } = this.#options;
    const { id, name } = record;
    if (await members.drop(record, call)) {
      yield { step: "It is no member any more", done: false };
    }
    failpoint("member removed");
    const revoked = await revokeAll(authorities, id, undefined, call);
    if (revoked > 0) {
      yield { step: `Its certificates are revoked: ${revoked}`, done: false };
    }
    failpoint("certificates revoked");
    await sessions.forget(id, call);
    await nodes.remove(id, name, call);
    failpoint("node deleted");
    yield {
      step: `It is out of the cluster, and "${name}" is free`,
      done: true,
    };
  }

  async *#demote(
    record: NodeRecord,
    call: CallOptions,
  ): AsyncGenerator<Step, void, void> {
    const { authorities, members, nodes, sessions } = this.#options;
    const { id } = record;
    if (await members.drop(record, call)) {
      yield { step: "It is no member any more", done: false };
    }
    failpoint("member demoted");
    await nodes.update(id, (record) => {
      if (record.role === Role.WORKER) return false;
      record.role = Role.WORKER;
      return true;
    }, call);
    // It learns that, asks for another certificate, and reports with it.
    const session = await sessions.until(
      id,
      ({ role }) => role === Role.WORKER,
      call,
    );
    yield { step: "It runs as a worker", done: false };
    await revokeAll(authorities, id, session.serial, call);
    await nodes.update(id, (record) => {
      if (record.pending !== Pending.DEMOTION) return false;
      record.pending = Pending.UNSPECIFIED;
      return true;
    }, call);
    yield { step: "Its certificates of a member are revoked", done: true };
  }
}

/** Nothing can be taken out of a cluster that cannot write that down. */
function whereNoMajority(cause: unknown): never {
  if (!(cause instanceof ServiceError) || cause.code !== "unavailable") {
    throw cause;
  }
  throw new RpcError(
    Code.UNAVAILABLE,
    `No majority of the members answers (${cause.message}): bring members back, or take over with what is left by hamlet recover`,
    undefined,
    { cause },
  );
}

/** Revokes every certificate of a node but one, of both authorities. */
async function revokeAll(
  authorities: Client<typeof ca>,
  name: string,
  except: string | undefined,
  call: CallOptions,
): Promise<number> {
  if (except === undefined) {
    try {
      return (await authorities.revoke({ name }, call)).revoked.length;
    } catch (error) {
      const none = error instanceof ServiceError && error.code === "not-found";
      if (none) return 0;
      throw error;
    }
  }
  const { certificates } = await authorities.list({}, call);
  const obsolete = certificates.filter((one) =>
    one.name === name && !one.revoked && one.serial !== except
  );
  for (const { serial, authority } of obsolete) {
    await authorities.revoke({ serial, authority }, call);
  }
  return obsolete.length;
}
