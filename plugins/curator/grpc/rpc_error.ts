/** Why a call was refused, where a program has to act on it: the trailing metadata `hamlet-reason`. */
export const REASONS = [
  /** The node that calls was removed from the cluster. */
  "removed",
  /** The caller's certificate was revoked, and it is still a node: it has a newer one, or asks an operator. */
  "revoked",
  /** Another machine runs with the same key at the same time, and was there first. */
  "cloned",
  /** The invitation has expired. */
  "expired",
  /** Every use of the invitation was taken by another key. */
  "used",
  /** The token was made up or damaged, or its invitation was revoked. */
  "forged",
  /** The token is of another cluster. */
  "foreign",
  /** Another node has the name. */
  "name-taken",
  /** No node may have the name. */
  "bad-name",
] as const;
/** Why a call was refused. */
export type Reason = typeof REASONS[number];

/** The key of the trailing metadata. */
export const REASON_KEY = "hamlet-reason";

/** The status codes of gRPC that are used here (https://grpc.io/docs/guides/status-codes/). */
export const Code = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** A call over gRPC that failed: thrown by its server, and at its client again. */
export class RpcError extends Error {
  override readonly name = "RpcError";

  /**
   * @param code One of {@linkcode Code}; a server of another version may send others.
   * @param message For a person.
   * @param reason For a program.
   * @param options The cause, which does not cross the network.
   */
  constructor(
    readonly code: number,
    message: string,
    readonly reason?: Reason,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Reads a reason as it came over the network.
 *
 * @param text The metadata's value.
 * @returns The reason, or undefined where this version does not know it.
 */
export function parseReason(text: unknown): Reason | undefined {
  return REASONS.find((reason) => reason === text);
}
