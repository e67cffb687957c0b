import type { Latest, Logger } from "hamlet";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { Credentials } from "../identity_files.ts";
import { Backoff } from "./backoff.ts";
import { defined } from "./defined.ts";
import type { KnownCluster } from "./known_cluster.ts";
import type { KnownRevocations } from "./known_revocations.ts";
import { connectAs, type MemberConnection } from "./member_connection.ts";
import { describeFailure } from "./refusal.ts";
import { shuffled } from "./shuffled.ts";

/** Options of {@linkcode askMembers}. */
export interface AskMembersOptions {
  /** This node's ID. */
  readonly id: string;
  readonly credentials: Latest<Credentials | undefined>;
  readonly known: KnownCluster;
  readonly revocations: KnownRevocations;
  readonly log: Logger;
}

/** What another try may change: nobody answers, or etcd takes no learner for now. */
const PASSING: readonly number[] = [
  Code.CANCELLED,
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.FAILED_PRECONDITION,
  Code.RESOURCE_EXHAUSTED,
];

/**
 * Asks one member after another, never this node itself, until one has answered.
 *
 * @param what What is asked for, for the log.
 * @param call Asks one.
 * @param options See {@linkcode AskMembersOptions}.
 * @param signal Ends it.
 * @returns The answer.
 * @throws {RpcError} If a member refuses in a way that another try does not change.
 */
export async function askMembers<T>(
  what: string,
  call: (membership: MemberConnection["membership"]) => Promise<T>,
  { id, credentials, known, revocations, log }: AskMembersOptions,
  signal: AbortSignal,
): Promise<T> {
  const backoff = new Backoff();
  let told: string | undefined;
  for (;;) {
    // A node that joins has none at first.
    const self = await defined(credentials, signal);
    const problems: string[] = [];
    const members = known.endpoints.filter((one) => one.id !== id);
    for (const endpoint of shuffled(members)) {
      using connection = connectAs(endpoint, self, revocations);
      try {
        return await call(connection.membership);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof RpcError && !PASSING.includes(error.code)) {
          throw error;
        }
        problems.push(`${endpoint.address}: ${describeFailure(error)}`);
      }
    }
    const text = `Waits for ${what}: ${
      problems.join("; ") || "no other member is known"
    }`;
    if (text !== told) log.info(text);
    told = text;
    await backoff.wait(signal);
  }
}
