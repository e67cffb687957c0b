import { ServiceError, type ServiceErrorCode } from "hamlet";

/** How gRPC says that a call failed. */
export interface CallFailure extends Error {
  /** See https://grpc.io/docs/guides/status-codes/ */
  readonly code: number;
  /** etcd's words, or the library's where it did not get that far. */
  readonly details: string;
}

/** A call to etcd that failed. Its code is `unavailable` where another try may succeed. */
export class EtcdError extends ServiceError {
  override readonly name = "EtcdError";

  /** @param failure What gRPC said. */
  constructor(failure: CallFailure) {
    const code = failure.details === UNHEALTHY
      ? "failed-precondition"
      : CODES[failure.code] ?? "internal";
    const details = failure.details.replace(/^etcdserver: (?:mvcc: )?/, "");
    const said = details !== failure.details || code !== "unavailable";
    const late = failure.code === DEADLINE_EXCEEDED ||
      failure.details === LATE;
    super(
      code,
      late && !said
        // What the library says there is how long each of its steps took.
        ? "etcd does not answer in time: see `hamlet status` for its members"
        : `etcd ${said ? "refuses" : "does not answer"}: ${details}`,
      { cause: failure },
    );
  }
}

/**
 * Gives what a call of the client library failed with its place among the errors of services.
 *
 * @param error What was thrown.
 * @returns An {@linkcode EtcdError} if gRPC threw it, else the same.
 */
export function toEtcdError(error: unknown): unknown {
  return isCallFailure(error) ? new EtcdError(error) : error;
}

function isCallFailure(error: unknown): error is CallFailure {
  return error instanceof Error && "code" in error &&
    typeof error.code === "number" && "details" in error &&
    typeof error.details === "string";
}

/**
 * Tells whether another try may succeed. What the failed one did is unknown: etcd may have applied
 * it before it was lost.
 *
 * @param error What a call rejected with.
 * @returns Whether etcd was away, hung or had no leader.
 */
export function isTransient(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "unavailable";
}

const DEADLINE_EXCEEDED = 4;
/** Go's words, which etcd passes on where it has noticed first that the time of a call is over. */
const LATE = "context deadline exceeded";

/**
 * Tells whether etcd refuses to change its members while others are away, or have just come.
 *
 * @param error What a call rejected with.
 * @returns Whether it does.
 */
export function isUnhealthy(error: unknown): boolean {
  return error instanceof EtcdError && isCallFailure(error.cause) &&
    error.cause.details === UNHEALTHY;
}

/** etcd's refusal to take a member while others are away, which it gives the code of one that is away itself. */
const UNHEALTHY = "etcdserver: unhealthy cluster";

/**
 * By gRPC's numbers. What was under way when etcd died ends as canceled (1), unknown (2), internal
 * (13) or unavailable (14), depending on how far it was; the deadline (4) passes while etcd is not
 * there, hangs or has no quorum.
 */
const CODES: Readonly<Record<number, ServiceErrorCode>> = {
  1: "unavailable",
  2: "unavailable",
  3: "invalid-argument",
  4: "unavailable",
  5: "not-found",
  6: "already-exists",
  8: "resource-exhausted",
  9: "failed-precondition",
  11: "invalid-argument",
  13: "unavailable",
  14: "unavailable",
};
