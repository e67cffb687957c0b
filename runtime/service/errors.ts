/**
 * Why a call failed, in gRPC's terms (https://grpc.io/docs/guides/status-codes/) where they fit:
 * the part of an error that crosses from provider to user and that a program may act on.
 */
export type ServiceErrorCode =
  | "canceled"
  | "invalid-argument"
  | "not-found"
  | "already-exists"
  | "failed-precondition"
  | "not-permitted"
  | "resource-exhausted"
  | "unavailable"
  | "internal";

/** A call that failed, at its provider or on its way there. */
export class ServiceError extends Error {
  override readonly name: string = "ServiceError";
  readonly code: ServiceErrorCode;

  /**
   * @param code What a program may act on.
   * @param message What a person may act on.
   * @param options The cause, which stays on the side where it happened.
   */
  constructor(code: ServiceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The provider is gone; `ctx.use(service)` waits for the next one. */
export class ServiceGoneError extends ServiceError {
  override readonly name = "ServiceGoneError";

  /** @param service The service whose provider is gone. */
  constructor(readonly service: string) {
    super("unavailable", `The provider of service "${service}" is gone`);
  }
}
