import { Code, type Reason, RpcError } from "../grpc/rpc_error.ts";

/** What a person can do about a refusal that no other try changes. */
const ADVICE: Partial<Record<Reason, string>> = {
  expired: "print a new token with hamlet invite on a member",
  used: "print a new token with hamlet invite on a member",
  forged: "print a new token with hamlet invite on a member",
  foreign: "print a token with hamlet invite on a member of the right cluster",
  "name-taken": "choose another with --name",
  "bad-name": "choose another with --name",
  cloned:
    "one of the two has to become a node of its own: end it, clear its data with hamlet reset, and join it again",
};

/**
 * Says what a person has to do about a refusal.
 *
 * @param error What a call was answered with.
 * @returns The member's words and what to do; undefined where another try may help.
 */
export function lastingRefusal(error: unknown): string | undefined {
  if (!(error instanceof RpcError) || error.reason === undefined) {
    return undefined;
  }
  const advice = ADVICE[error.reason];
  return advice === undefined ? undefined : `${error.message}; ${advice}`;
}

/**
 * Tells whether the cluster has removed this node.
 *
 * @param error What a call was answered with.
 */
export function isRemoval(error: unknown): error is RpcError {
  return error instanceof RpcError && error.reason === "removed";
}

/**
 * Says in few words why a call failed.
 *
 * @param error What it failed with.
 * @returns For a person.
 */
export function describeFailure(error: unknown): string {
  if (error instanceof RpcError && error.code === Code.DEADLINE_EXCEEDED) {
    return "no answer in time";
  }
  return error instanceof Error ? error.message : String(error);
}
