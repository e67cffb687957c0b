import { setTimeout as delay } from "node:timers/promises";
import {
  type CallOptions,
  type Client,
  type cluster,
  failpoint,
  type Member,
  ServiceError,
} from "hamlet";
import type { NodeRecord } from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { canonicalAddress } from "./addresses.ts";

/** Milliseconds between two tries where etcd takes no learner for now. */
const AGAIN_MS = 250;
/** Milliseconds until a member that has just come, or lost a connection, counts as one that does not answer. */
const CONNECT_MS = 3_000;

/** Options of {@linkcode Members.add}. */
export interface AddOptions {
  /** Where its etcd will be found. */
  readonly peerURL: string;
  /** It has no data: what the cluster knows of its etcd is removed first. */
  readonly restart: boolean;
  /** The version of its etcd; undefined where it does not say. */
  readonly version: string | undefined;
  /**
   * Remembers the ID under which it was added, before it is used.
   *
   * @throws {RpcError} If the node is to be a member no more.
   */
  remember(memberId: string): Promise<void>;
}

/** The members of etcd, as nodes of the cluster. */
export class Members {
  readonly #cluster: Client<typeof cluster>;
  readonly #nameOf: (id: string) => string | undefined;

  /**
   * @param client The members of etcd.
   * @param nameOf Tells what a node is called, for people.
   */
  constructor(
    client: Client<typeof cluster>,
    nameOf: (id: string) => string | undefined,
  ) {
    this.#cluster = client;
    this.#nameOf = nameOf;
  }

  /**
   * Lists the members.
   *
   * @param options To cancel it.
   */
  async list(options: CallOptions): Promise<Member[]> {
    return (await this.#cluster.members({}, options)).members;
  }

  /**
   * Adds a node's etcd as a learner, or finds that it is there. etcd takes one learner at a time and
   * none while a member is away, so this waits, until it is canceled.
   *
   * @param record The node.
   * @param options See {@linkcode AddOptions}.
   * @param call To cancel it.
   * @returns Its member ID, and all members.
   */
  async add(
    record: NodeRecord,
    { peerURL, restart, version, remember }: AddOptions,
    call: CallOptions,
  ): Promise<
    { memberId: string; members: { name: string; peerUrl: string }[] }
  > {
    checkPeerURL(peerURL, record);
    const keep = async (id: string) => {
      try {
        await remember(id);
      } catch (error) {
        // Of a node that has been taken out meanwhile nobody would find it.
        if (error instanceof RpcError) await this.expire(id, {});
        throw error;
      }
    };
    let stale = restart;
    for (;;) {
      try {
        const members = await this.list(call);
        const [known] = members.filter((member) =>
          isOf(member, record) || isUnstartedAt(member, peerURL)
        );
        if (known === undefined) {
          const added = await this.#cluster.addLearner(
            { peerURL, version },
            call,
          );
          failpoint("learner added");
          await keep(added.id);
          return answer(record.id, added.id, added.members);
        }
        if (!stale) {
          // Who added it may not have lived to write that down.
          if (!isOf(known, record)) await keep(known.id);
          await this.place(known, peerURL, call);
          return answer(record.id, known.id, await this.list(call));
        }
        this.#refuseIfLost(record, members);
        await this.#cluster.remove({ id: known.id }, call);
        stale = false;
      } catch (error) {
        if (!isPassing(error)) throw error;
        await delay(AGAIN_MS, undefined, signalOf(call));
      }
    }
  }

  /**
   * Takes a node's etcd out of the members; none there is fine.
   *
   * @param record The node.
   * @param call To cancel it.
   * @returns Whether there was one.
   * @throws {RpcError} `FAILED_PRECONDITION` if no majority would be left.
   */
  async drop(record: NodeRecord, call: CallOptions): Promise<boolean> {
    const members = await this.list(call);
    const own = members.filter((member) => isOf(member, record));
    if (own.length === 0) return false;
    await this.refuseIfLost(record, call);
    for (const { id } of own) {
      try {
        await this.#cluster.remove({ id }, call);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (error.code === "not-found") continue;
        // It may have known sooner than this list who is away, and says it in fewer words.
        if (error.code === "failed-precondition") {
          await this.refuseIfLost(record, call);
        }
        throw error;
      }
    }
    return true;
  }

  /**
   * Tells whether a node's etcd is among the members.
   *
   * @param record The node.
   * @param call To cancel it.
   */
  async has(record: NodeRecord, call: CallOptions): Promise<boolean> {
    return (await this.list(call)).some((member) => isOf(member, record));
  }

  /**
   * Refuses to take out a node without which the members that answer would be no majority. Those that have just come
   * are waited for.
   *
   * @param record The node.
   * @param call To cancel it.
   * @param leaving Others that are on their way out, and so do not count as members that would be left.
   * @throws {RpcError} `FAILED_PRECONDITION`
   */
  async refuseIfLost(
    record: NodeRecord,
    call: CallOptions,
    leaving: readonly NodeRecord[] = [],
  ): Promise<void> {
    const until = performance.now() + CONNECT_MS;
    for (;;) {
      const members = (await this.list(call)).filter((member) =>
        !leaving.some((one) => isOf(member, one))
      );
      try {
        return this.#refuseIfLost(record, members);
      } catch (error) {
        const alone = members.length === 1;
        if (alone || performance.now() > until) throw error;
      }
      await delay(AGAIN_MS, undefined, signalOf(call));
    }
  }

  #refuseIfLost(record: NodeRecord, members: readonly Member[]): void {
    const voters = members.filter(({ learner }) => !learner);
    const left = voters.filter((member) => !isOf(member, record));
    if (left.length === voters.length) return;
    if (left.length === 0) {
      throw new RpcError(
        Code.FAILED_PRECONDITION,
        `Cannot take "${record.name}" out of the members: it is the only one, and the cluster ends with it`,
      );
    }
    const alive = left.filter(({ reachable }) => reachable).length;
    const needed = Math.floor(left.length / 2) + 1;
    if (alive >= needed) return;
    const dead = left.filter(({ reachable }) => !reachable)
      .map(({ name, id }) => `"${this.#nameOf(name) ?? (name || id)}"`)
      .join(", ");
    throw new RpcError(
      Code.FAILED_PRECONDITION,
      `Cannot take "${record.name}" out of the members: of the ${left.length} that would be left ${alive} would answer, not ${dead}, and ${needed} make a majority; bring those back or remove them first`,
    );
  }

  /**
   * Hands the leadership to another member that answers, if this one has it.
   *
   * @param call To cancel it.
   * @returns Whether it had.
   */
  async handOver(call: CallOptions): Promise<boolean> {
    const members = await this.list(call);
    if (!members.some(({ self, leader }) => self && leader)) return false;
    for (const member of members) {
      if (member.self || member.learner || !member.reachable) continue;
      await this.#cluster.moveLeader({ to: member.id }, call);
      return true;
    }
    return false;
  }

  /**
   * Removes a learner that was not promoted.
   *
   * @param id Its member ID.
   * @param call To cancel it.
   */
  async expire(id: string, call: CallOptions): Promise<void> {
    await this.#cluster.remove({ id }, call);
  }

  /**
   * Tells the others where a member is now.
   *
   * @param member The member, a voter.
   * @param peerURL Where.
   * @param call To cancel it.
   */
  async place(
    member: Member,
    peerURL: string,
    call: CallOptions,
  ): Promise<void> {
    if (member.peerURLs.includes(peerURL)) return;
    if (member.learner) {
      // etcd would count it as a voter from then on.
      throw new RpcError(
        Code.FAILED_PRECONDITION,
        `Cannot move learner "${member.id}" from ${
          member.peerURLs.join(" and ")
        } to ${peerURL}: start its etcd anew`,
      );
    }
    await this.#cluster.update({ id: member.id, peerURL }, call);
  }
}

/**
 * Tells whether a member is a node's etcd.
 *
 * @param member The member.
 * @param record The node.
 */
export function isOf(member: Member, record: NodeRecord): boolean {
  return member.name === record.id ||
    member.id === record.memberId && member.name === "";
}

function signalOf({ signal }: CallOptions) {
  return signal && { signal };
}

function isUnstartedAt({ name, peerURLs }: Member, peerURL: string): boolean {
  return name === "" && peerURLs.includes(peerURL);
}

/** Whether another try may succeed: another learner is there, or a member is away or was just removed. */
function isPassing(error: unknown): boolean {
  return error instanceof ServiceError &&
    ["failed-precondition", "unavailable", "not-found"].includes(error.code);
}

function answer(id: string, memberId: string, members: readonly Member[]) {
  return {
    memberId,
    members: members.map((member) => ({
      // One that has not started has no name yet, and etcd wants some for each.
      name: member.id === memberId ? id : member.name || member.id,
      peerUrl: member.peerURLs[0] ?? "",
    })),
  };
}

function checkPeerURL(text: string, record: NodeRecord): void {
  const url = URL.parse(text);
  const address = url &&
    canonicalAddress(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  const right = url?.protocol === "https:" && url.port !== "" && address &&
    text === `https://${url.host}`;
  if (!right) {
    throw new RpcError(
      Code.INVALID_ARGUMENT,
      `Cannot add a member at "${text}": write https://ADDRESS:PORT`,
    );
  }
  if (record.addresses.includes(address)) return;
  throw new RpcError(
    Code.FAILED_PRECONDITION,
    `Cannot add a member at "${text}": node "${record.id}" has ${
      record.addresses.join(" and ") || "no address"
    } as far as the cluster knows`,
  );
}
