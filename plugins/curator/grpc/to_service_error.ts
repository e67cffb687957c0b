import { ServiceError, type ServiceErrorCode } from "hamlet";
import { Code, RpcError } from "./rpc_error.ts";

const CODES: Readonly<Record<number, ServiceErrorCode>> = {
  [Code.INVALID_ARGUMENT]: "invalid-argument",
  [Code.DEADLINE_EXCEEDED]: "unavailable",
  [Code.NOT_FOUND]: "not-found",
  [Code.ALREADY_EXISTS]: "already-exists",
  [Code.PERMISSION_DENIED]: "not-permitted",
  [Code.FAILED_PRECONDITION]: "failed-precondition",
  [Code.UNAVAILABLE]: "unavailable",
  [Code.UNAUTHENTICATED]: "not-permitted",
};

/**
 * Gives what a call over gRPC failed with its place among the errors of services.
 *
 * @param error What was thrown.
 * @returns A `ServiceError` for an {@linkcode RpcError}, else the same.
 */
export function toServiceError(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  return new ServiceError(CODES[error.code] ?? "internal", error.message, {
    cause: error,
  });
}
