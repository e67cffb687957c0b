/**
 * Why a call can fail, in gRPC's terms (https://grpc.io/docs/guides/status-codes/) where they fit:
 * the part of an error that crosses from provider to user and that a program may act on.
 */
export const SERVICE_ERROR_CODES = [
  "canceled",
  "invalid-argument",
  "not-found",
  "already-exists",
  "failed-precondition",
  "not-permitted",
  "resource-exhausted",
  "unavailable",
  "internal",
] as const;
/** Why a call failed. */
export type ServiceErrorCode = typeof SERVICE_ERROR_CODES[number];

/** A call that failed, at its provider or on its way there. */
export class ServiceError extends Error {
  override readonly name: string = "ServiceError";
  /** What a program may act on. */
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

/**
 * A plugin tried what its manifest entry does not allow. An implementation throws it where a call
 * leaves the caller's scope; the broker logs it once at the provider, not per try.
 *
 * @example
 * ```ts
 * import { ScopeError } from "hamlet";
 *
 * const error = new ScopeError("crl", 'write key "/a"', 'uses.kv.scope.keys: ["/a"]');
 * console.assert(error.code === "not-permitted");
 * ```
 */
export class ScopeError extends ServiceError {
  override readonly name = "ScopeError";

  /**
   * @param plugin Who tried: `caller.name`.
   * @param tried What it tried, to follow "may not".
   * @param line What its entry in `deno.json` would have to say.
   */
  constructor(plugin: string, tried: string, line: string) {
    super(
      "not-permitted",
      `Plugin "${plugin}" may not ${tried}: deno.json would allow it with plugins.${plugin}.${line}`,
    );
  }
}
