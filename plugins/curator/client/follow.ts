import { isIP } from "node:net";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type ClusterNode,
  FatalError,
  type Latest,
  type Logger,
  type Role,
} from "hamlet";
import type { NodeView } from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { Credentials } from "../identity_files.ts";
import { fromRecordRole } from "../roles.ts";
import type { Endpoint } from "../token.ts";
import { Backoff } from "./backoff.ts";
import { certificateContent, normalizeAddress } from "./certificate_content.ts";
import type { KnownCluster } from "./known_cluster.ts";
import type { KnownRevocations } from "./known_revocations.ts";
import { connectAs, type MemberConnection } from "./member_connection.ts";
import { describeFailure, isLastingRefusal, isRemoval } from "./refusal.ts";
import { shuffled } from "./shuffled.ts";

/** Milliseconds that a member may take for a report. */
const TIMEOUT_MS = 5_000;
/** Milliseconds after which a member that failed had worked: the next one is asked without a wait. */
const WORKED_MS = 10_000;
/** Milliseconds that it may take to say who is in the cluster. */
const BACKLOG_MS = 10_000;
/** Seconds between two reports, whatever a member asks for. */
const REPORT_SECONDS = { min: 1, max: 300 };

/** What a node says of itself. */
export interface SelfReport {
  /** Where others reach it, the preferred one first. */
  readonly addresses: readonly string[];
  /** The port of its curator; 0 while it serves none. */
  readonly curatorPort: number;
}

/** Options of {@linkcode Follower}. */
export interface FollowerOptions {
  /** This node's ID. */
  readonly id: string;
  /** What the node is called. */
  readonly name: string;
  /** Where this node's own server listens, for this node itself. */
  readonly localAddress: string;
  readonly self: Latest<SelfReport>;
  /** A random number for this start of the node. */
  readonly instance: Uint8Array;
  readonly credentials: Latest<Credentials | undefined>;
  readonly known: KnownCluster;
  readonly revocations: KnownRevocations;
  readonly log: Logger;
  /** Told that a member is followed or, with a reason, that there is none. */
  readonly report: (reason?: string) => void;
  /**
   * Remembers a new certificate of this node.
   *
   * @param certificate DER.
   * @param role What it says.
   */
  readonly renewed: (certificate: Uint8Array, role: Role) => Promise<void>;
}

/** Keeps this node in touch with its cluster by one member at a time, and moves on to another when that one fails. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #backoff = new Backoff();
  /** The member that failed last, to be asked after the others. */
  #failed: Endpoint | undefined;
  /** What the last certificate was to say and does not: a member that cannot put it in is not asked again and again. */
  #asked: string | undefined;
  #renewing = Promise.resolve();
  /** The problem that the log has last. */
  #told: string | undefined;

  /** @param options See {@linkcode FollowerOptions}. */
  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /**
   * Follows the cluster.
   *
   * @param signal Ends it.
   * @returns Why the cluster has removed this node, in a member's words.
   * @throws {FatalError} If a person has to act.
   * @throws The signal's reason.
   */
  async run(signal: AbortSignal): Promise<string> {
    const { known, report, self, log } = this.#options;
    try {
      for (;;) {
        const before = self.value;
        const problem = await this.#round(signal);
        if (problem === undefined) continue;
        known.setRemembered();
        // A member that founds its cluster, or starts it again, has its own server in a moment.
        const text = problem === ""
          ? "Waits for a member of the cluster to follow"
          : `No member of the cluster answers: ${problem}`;
        report(text);
        if (problem !== "" && text !== this.#told) log.warn(text);
        this.#told = text;
        const over = new AbortController();
        const changed = other(self, before, anyOf(signal, over));
        await this.#backoff.wait(signal, changed).finally(() => over.abort());
      }
    } catch (error) {
      signal.throwIfAborted();
      if (isRemoval(error)) return error.message;
      if (!isLastingRefusal(error)) throw error;
      throw new FatalError(`The cluster refuses this node: ${error.message}`, {
        cause: error,
      });
    }
  }

  /**
   * Follows one member after another until there is a reason to begin anew.
   *
   * @returns Why none could be followed; undefined where a new round is to start at once.
   */
  async #round(signal: AbortSignal): Promise<string | undefined> {
    const problems: string[] = [];
    const candidates = this.#candidates();
    for (const endpoint of candidates) {
      const start = performance.now();
      let connected = false;
      try {
        return await this.#followMember(endpoint, signal, () => {
          connected = true;
        });
      } catch (error) {
        signal.throwIfAborted();
        if (isLastingRefusal(error)) throw error;
        const problem = `${endpoint.address} (${endpoint.id}): ${
          describeFailure(error)
        }`;
        this.#failed = endpoint;
        problems.push(problem);
        if (!connected) continue;
        this.#options.log.warn(
          `Lost the member that this node follows: ${problem}`,
        );
        if (performance.now() - start < WORKED_MS) continue;
        this.#backoff.reset();
        return undefined;
      }
    }
    // Sorted, so that the log has it once.
    return problems.sort().join("; ");
  }

  /** Members to try: on a member this node's own server first, and the one that failed last. */
  #candidates(): Endpoint[] {
    const { id, localAddress, self, known } = this.#options;
    const port = self.value.curatorPort;
    const failed = JSON.stringify(this.#failed);
    const others = shuffled(known.endpoints.filter((one) => one.id !== id));
    return [
      ...port === 0 ? [] : [{ id, address: localAddress, port }],
      ...others.filter((one) => JSON.stringify(one) !== failed),
      ...others.filter((one) => JSON.stringify(one) === failed),
    ];
  }

  /** Returns when this node is to connect anew, with another certificate. */
  async #followMember(
    endpoint: Endpoint,
    signal: AbortSignal,
    onConnected: () => void,
  ): Promise<undefined> {
    const { credentials, revocations, log, report } = this.#options;
    const self = credentials.value;
    if (self === undefined) throw new Error("this node has no certificate yet");
    using connection = connectAs(endpoint, self, revocations);
    // Says at once whether the member is there, and whether it knows this node.
    const first = await this.#sendReport(connection, endpoint, signal);
    const over = new AbortController();
    const ends = anyOf(signal, over);
    const silent = Promise.withResolvers<never>();
    const patience = setTimeout(
      () => silent.reject(new Error("it does not say who is in the cluster")),
      BACKLOG_MS,
    );
    const parts = [
      this.#watchNodes(connection, ends, () => {
        clearTimeout(patience);
        onConnected();
        log.info(`Follows member "${endpoint.id}" at ${endpoint.address}`);
        this.#told = undefined;
        report();
      }),
      this.#watchRevocations(connection, ends),
      this.#keepReporting(connection, endpoint, first, ends),
      this.#ownServerGone(endpoint, ends),
      other(credentials, self, ends),
    ];
    try {
      await Promise.race([...parts, silent.promise]);
      signal.throwIfAborted();
    } finally {
      clearTimeout(patience);
      over.abort();
      await Promise.allSettled(parts);
    }
  }

  /** Returns when the member is this node itself, and serves no longer. */
  async #ownServerGone(
    { id, port }: Endpoint,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const { curatorPort } of this.#options.self.watch(signal)) {
      if (id === this.#options.id && curatorPort !== port) return;
    }
  }

  async #watchNodes(
    { membership }: MemberConnection,
    signal: AbortSignal,
    onBacklog: () => void,
  ): Promise<never> {
    const { known, id } = this.#options;
    const nodes = new Map<string, ClusterNode>();
    let complete = false;
    let own: NodeView | undefined;
    for await (const event of membership.watchNodes({}, { signal })) {
      for (const view of event.nodes) {
        nodes.set(view.id, toClusterNode(view));
        if (view.id === id) own = view;
      }
      for (const id of event.removed) nodes.delete(id);
      const last: boolean = event.lastBacklogged && !complete;
      complete ||= last;
      // Before that, nodes are missing that are not gone, and others are as they were.
      if (!complete) continue;
      // What an operator has changed of this node, such as its role.
      if (own !== undefined) await this.#renew(membership, own, signal);
      own = undefined;
      known.setNodes(new Map(nodes));
      if (last) onBacklog();
    }
    throw new RpcError(Code.UNAVAILABLE, "it ended the connection");
  }

  async #watchRevocations(
    connection: MemberConnection,
    signal: AbortSignal,
  ): Promise<never> {
    const { revocations } = this.#options;
    const events = connection.membership.watchRevocations({}, { signal });
    for await (const { crl } of events) {
      await revocations.update(crl);
      const serial = connection.serial();
      if (serial !== undefined && revocations.isRevoked(serial)) {
        throw new RpcError(
          Code.UNAUTHENTICATED,
          "its certificate was revoked",
        );
      }
    }
    throw new RpcError(Code.UNAVAILABLE, "it ended the connection");
  }

  /** Reports at every change, and as often as the member asks for. */
  async #keepReporting(
    connection: MemberConnection,
    endpoint: Endpoint,
    first: { readonly next: number; readonly reported: SelfReport },
    signal: AbortSignal,
  ): Promise<never> {
    let { next, reported } = first;
    for (;;) {
      // Not all nodes of a cluster that was started at once at the same instant.
      const seconds = next * (0.9 + Math.random() / 10);
      await otherWithin(this.#options.self, reported, seconds * 1000, signal);
      signal.throwIfAborted();
      ({ next, reported } = await this.#sendReport(
        connection,
        endpoint,
        signal,
      ));
    }
  }

  async #sendReport(
    { membership }: MemberConnection,
    endpoint: Endpoint,
    signal: AbortSignal,
  ) {
    const reported = this.#options.self.value;
    const { next, node } = await this.#tell(membership, reported, signal);
    if (node !== undefined) {
      await this.#renew(membership, node, signal);
      await this.#tellByOtherFamily(endpoint, reported, node, signal);
    }
    const { min, max } = REPORT_SECONDS;
    return { next: Math.min(Math.max(next, min), max), reported };
  }

  #tell(
    membership: MemberConnection["membership"],
    { addresses, curatorPort }: SelfReport,
    signal: AbortSignal,
  ) {
    const { instance, name } = this.#options;
    return membership.report(
      { instance, addresses: [...addresses], curatorPort, name },
      { signal, timeout: TIMEOUT_MS },
    );
  }

  /** An address is believed of who comes from it: those of the other family are told by way of that. */
  async #tellByOtherFamily(
    { address }: Endpoint,
    reported: SelfReport,
    node: NodeView,
    signal: AbortSignal,
  ): Promise<void> {
    const { credentials, known, revocations, id, log } = this.#options;
    const believed = node.addresses.map(normalizeAddress);
    const missing = reported.addresses.find((one) =>
      isIP(one) !== isIP(address) && !believed.includes(normalizeAddress(one))
    );
    const way = known.endpoints.find((one) =>
      one.id !== id && isIP(one.address) !== isIP(address)
    );
    const self = credentials.value;
    if (missing === undefined || way === undefined || !self) return;
    using connection = connectAs(way, self, revocations);
    try {
      await this.#tell(connection.membership, reported, signal);
    } catch (error) {
      signal.throwIfAborted();
      log.debug(
        `Cannot tell of ${missing} by ${way.address}: ${
          describeFailure(error)
        }`,
      );
    }
  }

  /**
   * Asks for another certificate where the cluster knows something else of this node than its own says. One after
   * another: a report and the watch tell of it at the same time, and what they renew goes to the same files.
   */
  async #renew(
    membership: MemberConnection["membership"],
    node: NodeView,
    signal: AbortSignal,
  ): Promise<void> {
    const renewed = this.#renewing.then(() =>
      this.#renewNow(membership, node, signal)
    );
    this.#renewing = renewed.catch(() => {});
    await renewed;
  }

  async #renewNow(
    membership: MemberConnection["membership"],
    node: NodeView,
    signal: AbortSignal,
  ): Promise<void> {
    const { credentials, renewed, log } = this.#options;
    if (credentials.value === undefined) return;
    const wanted = JSON.stringify({
      role: fromRecordRole(node.role),
      addresses: node.addresses.map(normalizeAddress).sort(),
    });
    const held = JSON.stringify(certificateContent(credentials.value.cert));
    if (wanted === held) {
      this.#asked = undefined;
      return;
    }
    if (wanted === this.#asked) return;
    this.#asked = wanted;
    const { certificate, role } = await membership.renew({}, {
      signal,
      timeout: TIMEOUT_MS,
    }).catch((error) => {
      this.#asked = undefined;
      throw error;
    });
    log.info("Renewed this node's certificate", {
      role: fromRecordRole(role),
      addresses: node.addresses,
    });
    await renewed(certificate, fromRecordRole(role));
  }
}

function anyOf(signal: AbortSignal, over: AbortController): AbortSignal {
  return AbortSignal.any([signal, over.signal]);
}

/** Resolves once a value is another one, or the signal aborts. */
async function other<T>(
  value: Latest<T>,
  than: T,
  signal: AbortSignal,
): Promise<void> {
  for await (const now of value.watch(signal)) {
    if (!Object.is(now, than)) return;
  }
}

/** The same, for so many milliseconds at most; leaves nothing behind, since it is waited for again and again. */
async function otherWithin<T>(
  value: Latest<T>,
  than: T,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, milliseconds);
  signal.addEventListener("abort", end);
  try {
    if (!signal.aborted) await other(value, than, over.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

function toClusterNode(view: NodeView): ClusterNode {
  return {
    id: view.id,
    name: view.name,
    role: fromRecordRole(view.role),
    addresses: view.addresses,
    ...view.reportedAt &&
      { lastSeen: timestampDate(view.reportedAt).toISOString() },
    ...view.curatorPort > 0 && { curatorPort: view.curatorPort },
  };
}
