import { Code, type Reason, RpcError } from "../grpc/rpc_error.ts";

/** What no other try changes; the member's message says what a person can do. `revoked` may be overtaken by a renewal. */
const LASTING: readonly (Reason | undefined)[] = [
  "removed",
  "cloned",
  "expired",
  "used",
  "forged",
  "foreign",
  "name-taken",
  "bad-name",
];

/**
 * Tells whether a call was refused in a way that only a person can change.
 *
 * @param error What it failed with.
 */
export function isLastingRefusal(error: unknown): error is RpcError {
  return error instanceof RpcError && LASTING.includes(error.reason);
}

/**
 * Tells whether the cluster has no place for this node any more: it was removed, or is a copy of another one's disk,
 * and two members with one key would each vote for both.
 *
 * @param error What a call failed with.
 */
export function isRemoval(error: unknown): error is RpcError {
  return error instanceof RpcError &&
    (error.reason === "removed" || error.reason === "cloned");
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
  if (error instanceof RpcError && error.reason === "revoked") {
    return `${error.message}; take this node out with hamlet remove, clear it with hamlet reset, and join it again`;
  }
  const text = error instanceof Error ? error.message : String(error);
  // What grpc-js puts around the error of a socket.
  return text
    .replace(/^No connection established\. Last error: (?:Error: )?/, "")
    .replace(/\. Resolution note: .*$/s, "");
}
