import { Buffer } from "node:buffer";
import { once } from "node:events";
import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type Server,
  type StatusObject,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Logger, ServiceError, type ServiceErrorCode } from "hamlet";
import { Code, REASON_KEY, RpcError } from "../grpc/rpc_error.ts";
import {
  Encoded,
  methodDefinition,
  type Response,
} from "../grpc/service_definition.ts";
import type { Caller } from "./caller.ts";
import type { Access, Gate } from "./gate.ts";

/** A method, and who may call it. */
export interface Handler<H> {
  readonly access: Access;
  readonly handle: H;
}

/** A service as the server implements it. */
export type Handlers<S extends DescService> = {
  readonly [N in keyof S["method"]]: S["method"][N] extends {
    methodKind: "unary";
  } ? Handler<
      (
        request: MessageShape<S["method"][N]["input"]>,
        caller: Caller,
      ) => Promise<MessageInitShape<S["method"][N]["output"]>>
    >
    : Handler<
      (
        request: MessageShape<S["method"][N]["input"]>,
        caller: Caller,
      ) => AsyncIterable<MessageInitShape<S["method"][N]["output"]> | Encoded>
    >;
};

/** The fields of some message. */
type Fields = Record<string, unknown>;

/** A handler without the names in its types. */
type AnyHandler = Handler<
  (
    request: Message,
    caller: Caller,
  ) => Promise<Fields> | AsyncIterable<Fields | Encoded>
>;

/** Options of {@linkcode serveRpc}. */
export interface ServeRpcOptions {
  readonly gate: Gate;
  /** Takes what fails without being anybody's refusal. */
  readonly log: Logger;
}

/**
 * Adds a service to a gRPC server. What a caller sends is looked at only once it was let in.
 *
 * @param server The server.
 * @param service The service as its `.proto` declares it.
 * @param handlers What answers each method.
 * @param options See {@linkcode ServeRpcOptions}.
 */
export function serveRpc<S extends DescService>(
  server: Server,
  service: S,
  handlers: Handlers<S>,
  options: ServeRpcOptions,
): void {
  const definition: Record<string, MethodDefinition<Uint8Array, Response>> = {};
  const implementation: UntypedServiceImplementation = {};
  // The methods' names are only known at run time; `Handlers` has one for each.
  const byName = handlers as unknown as Record<string, AnyHandler>;
  for (const method of service.methods) {
    const handler = byName[method.localName];
    if (handler === undefined) continue;
    definition[method.localName] = {
      ...methodDefinition(method),
      requestSerialize: (bytes) => Buffer.from(bytes),
      requestDeserialize: (bytes) => bytes,
    };
    implementation[method.localName] = method.methodKind === "unary"
      ? answerOnce(method, handler, options)
      : answerStream(method, handler, options);
  }
  server.addService(definition, implementation);
}

function answerOnce(
  method: DescMethod,
  { access, handle }: AnyHandler,
  { gate, log }: ServeRpcOptions,
): handleUnaryCall<Uint8Array, Response> {
  return async (call, callback) => {
    const canceled = new AbortController();
    call.on("cancelled", () => canceled.abort(canceledError()));
    try {
      const { caller, left } = await gate.admit(
        call,
        tryingTo(method),
        access,
        canceled.signal,
      );
      try {
        const request = read(method, call.request, caller, gate);
        const answer = await orAborted(
          handle(request, caller) as Promise<Fields>,
          caller.signal,
        );
        callback(null, create(method.output, answer));
      } catch (error) {
        noteRefusal(error, method, caller, gate);
        throw error;
      } finally {
        left();
      }
    } catch (error) {
      callback(toStatus(error, method, log));
    }
  };
}

function answerStream(
  method: DescMethod,
  { access, handle }: AnyHandler,
  { gate, log }: ServeRpcOptions,
): handleServerStreamingCall<Uint8Array, Response> {
  return async (call) => {
    const canceled = new AbortController();
    call.on("cancelled", () => canceled.abort(canceledError()));
    try {
      const { caller, left } = await gate.admit(
        call,
        tryingTo(method),
        access,
        canceled.signal,
      );
      const { signal } = caller;
      try {
        const request = read(method, call.request, caller, gate);
        const items = handle(request, caller) as AsyncIterable<
          Fields | Encoded
        >;
        const iterator = items[Symbol.asyncIterator]();
        for (;;) {
          const { done, value } = await orAborted(iterator.next(), signal);
          if (done) break;
          const more = call.write(
            value instanceof Encoded ? value : create(method.output, value),
          );
          if (!more) await orAborted(once(call, "drain"), signal);
        }
        call.end();
      } catch (error) {
        noteRefusal(error, method, caller, gate);
        throw error;
      } finally {
        left();
      }
    } catch (error) {
      if (canceled.signal.aborted) return;
      call.emit("error", toStatus(error, method, log));
    }
  };
}

function tryingTo(method: DescMethod): string {
  return `call ${method.parent.name}.${method.name}`;
}

function read(
  method: DescMethod,
  bytes: Uint8Array,
  caller: Caller,
  gate: Gate,
): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch (cause) {
    const error = new RpcError(
      Code.INVALID_ARGUMENT,
      `Cannot read ${bytes.length} bytes as ${method.input.name}`,
      undefined,
      { cause },
    );
    gate.note(caller, tryingTo(method), error.message);
    throw error;
  }
}

/** What a handler refuses is logged like what the gate refuses; what only failed is not a refusal. */
function noteRefusal(
  error: unknown,
  method: DescMethod,
  caller: Caller,
  gate: Gate,
): void {
  const refused = error instanceof RpcError && !caller.signal.aborted &&
    (error.code === Code.PERMISSION_DENIED || error.reason !== undefined);
  if (refused) gate.note(caller, tryingTo(method), error.message);
}

/** Rejects at once where the caller is gone or may no longer call, whatever the handler waits for. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() =>
      signal.removeEventListener("abort", abort)
    );
  });
}

function canceledError(): RpcError {
  return new RpcError(Code.CANCELLED, "The caller has canceled");
}

const CODES: Readonly<Record<ServiceErrorCode, number>> = {
  "canceled": Code.CANCELLED,
  "invalid-argument": Code.INVALID_ARGUMENT,
  "not-found": Code.NOT_FOUND,
  "already-exists": Code.ALREADY_EXISTS,
  "failed-precondition": Code.FAILED_PRECONDITION,
  "not-permitted": Code.PERMISSION_DENIED,
  "resource-exhausted": Code.RESOURCE_EXHAUSTED,
  "unavailable": Code.UNAVAILABLE,
  "internal": Code.INTERNAL,
};

function toStatus(
  error: unknown,
  method: DescMethod,
  log: Logger,
): StatusObject & Error {
  const metadata = new Metadata();
  const status = (code: number, details: string) =>
    Object.assign(new Error(details), { code, details, metadata });
  if (error instanceof RpcError) {
    if (error.reason) metadata.set(REASON_KEY, error.reason);
    return status(error.code, error.message);
  }
  if (error instanceof ServiceError && error.code !== "internal") {
    return status(CODES[error.code], error.message);
  }
  // What is wrong inside is nothing that others need to know.
  log.error(`Cannot answer ${method.parent.name}.${method.name}`, { error });
  return status(Code.INTERNAL, "The member failed; its log says why");
}
