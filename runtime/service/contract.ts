import type * as v from "valibot";

/** One request, one answer. */
export interface CallMethod<
  I extends v.GenericSchema = v.GenericSchema,
  O extends v.GenericSchema = v.GenericSchema,
> {
  /** Tells it from a stream. */
  readonly kind: "call";
  /** What the caller sends. */
  readonly input: I;
  /** What the provider answers. */
  readonly output: O;
}

/** One request, any number of items until the provider ends it or the user stops reading. */
export interface StreamMethod<
  I extends v.GenericSchema = v.GenericSchema,
  O extends v.GenericSchema = v.GenericSchema,
> {
  /** Tells it from a call. */
  readonly kind: "stream";
  /** What the caller sends. */
  readonly input: I;
  /** One item of the stream. */
  readonly output: O;
}

/** A method of a service: the schemas are the contract, and both ends parse what crosses it. */
export type Method = CallMethod | StreamMethod;

/** The methods of a service by name. */
export type Methods = Readonly<Record<string, Method>>;

/**
 * What a service is, known to its provider, its users and the manifest alike.
 *
 * @typeParam M Its methods.
 * @typeParam S The schema of the part of the service that one user may reach.
 */
export interface Service<
  M extends Methods = Methods,
  S extends v.GenericSchema = v.GenericSchema,
> {
  /** Its name in the manifest's `provides` and `uses`. */
  readonly name: string;
  /** What can be asked of it, by name. */
  readonly methods: M;
  /** Parses `scope` of a manifest's `uses` entry, after variables have been resolved. */
  readonly scope: S;
  /** What a plugin of that name might declare, for advice; only where a scope is required. */
  readonly exampleScope?: (plugin: string) => v.InferInput<S>;
}

/**
 * Declares a method that answers once.
 *
 * @param input What the caller sends.
 * @param output What the provider answers.
 * @returns The method, for {@linkcode defineService}.
 */
export function call<I extends v.GenericSchema, O extends v.GenericSchema>(
  input: I,
  output: O,
): CallMethod<I, O> {
  return { kind: "call", input, output };
}

/**
 * Declares a method that answers with a stream of items.
 *
 * @param input What the caller sends.
 * @param output One item of the stream.
 * @returns The method, for {@linkcode defineService}.
 */
export function stream<I extends v.GenericSchema, O extends v.GenericSchema>(
  input: I,
  output: O,
): StreamMethod<I, O> {
  return { kind: "stream", input, output };
}

/**
 * Declares a service.
 *
 * @param service Its name, methods and scope.
 * @returns The same, typed.
 * @example
 * ```ts
 * import { call, defineService, v } from "hamlet";
 *
 * export const clock = defineService({
 *   name: "clock",
 *   scope: v.undefined(),
 *   methods: { now: call(v.object({}), v.object({ time: v.number() })) },
 * });
 * ```
 */
export function defineService<
  const M extends Methods,
  S extends v.GenericSchema,
>(
  service: Service<M, S>,
): Service<M, S> {
  return service;
}

/** Options of every call of a {@linkcode Client}. */
export interface CallOptions {
  /** Cancels the call at the provider too; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A service as its user sees it. */
export type Client<S extends Service> =
  & {
    readonly [N in keyof S["methods"]]: S["methods"][N] extends
      StreamMethod<infer I, infer O> ? (
        input: v.InferInput<I>,
        options?: CallOptions,
      ) => AsyncIterableIterator<v.InferOutput<O>>
      : S["methods"][N] extends CallMethod<infer I, infer O> ? (
          input: v.InferInput<I>,
          options?: CallOptions,
        ) => Promise<v.InferOutput<O>>
      : never;
  }
  & {
    /**
     * Aborted once this provider is gone; calls then reject with `ServiceGoneError`. After that,
     * `ctx.use(service)` waits for the next provider.
     */
    readonly gone: AbortSignal;
  };

/** Who calls, with which scope: stated by the broker, never by the caller. */
export interface Caller<Scope = unknown> {
  /** The plugin that calls, or `admin` for a person at the admin socket. */
  readonly name: string;
  /** The part of the service that the caller may reach: for the implementation to hold it to. */
  readonly scope: Scope;
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
}

/** A service as its provider implements it. */
export type Implementation<S extends Service> = {
  readonly [N in keyof S["methods"]]: S["methods"][N] extends
    StreamMethod<infer I, infer O> ? (
      input: v.InferOutput<I>,
      caller: Caller<v.InferOutput<S["scope"]>>,
    ) => AsyncIterable<v.InferInput<O>>
    : S["methods"][N] extends CallMethod<infer I, infer O> ? (
        input: v.InferOutput<I>,
        caller: Caller<v.InferOutput<S["scope"]>>,
      ) => Promise<v.InferInput<O>>
    : never;
};
