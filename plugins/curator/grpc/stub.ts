import {
  create,
  type DescMethod,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { Client, ServiceError } from "@grpc/grpc-js";
import { Code, parseReason, REASON_KEY, RpcError } from "./rpc_error.ts";
import { methodDefinition } from "./service_definition.ts";

/** Options of every call. */
export interface RpcOptions {
  /** Cancels the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which it fails with `DEADLINE_EXCEEDED`. @default None */
  readonly timeout?: number;
}

/** A service as its client sees it. */
export type Stub<S extends DescService> = {
  readonly [N in keyof S["method"]]: S["method"][N] extends {
    methodKind: "unary";
  } ? (
      request: MessageInitShape<S["method"][N]["input"]>,
      options?: RpcOptions,
    ) => Promise<MessageShape<S["method"][N]["output"]>>
    : S["method"][N] extends { methodKind: "server_streaming" } ? (
        request: MessageInitShape<S["method"][N]["input"]>,
        options?: RpcOptions,
      ) => AsyncGenerator<MessageShape<S["method"][N]["output"]>, void, void>
    : never;
};

/**
 * Makes the client's side of a service. Each call rejects with {@linkcode RpcError}.
 *
 * @param service The service as its `.proto` declares it; unary and server-streaming methods.
 * @param client The connection, a `Client` of grpc-js.
 * @returns The service.
 */
export function createStub<S extends DescService>(
  service: S,
  client: Client,
): Stub<S> {
  const methods = service.methods.map((method) => [
    method.localName,
    (request: MessageInitShape<DescMethod["input"]>, options?: RpcOptions) =>
      method.methodKind === "unary"
        ? callOnce(client, method, create(method.input, request), options)
        : readStream(client, method, create(method.input, request), options),
  ]);
  // Built by name at run time, while the type knows the names from the descriptor.
  return Object.fromEntries(methods) as Stub<S>;
}

function callOnce(
  client: Client,
  method: DescMethod,
  request: Message,
  options: RpcOptions = {},
): Promise<Message> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(
    method,
  );
  const { signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      deadlineOf(options),
      (error, response) => {
        signal?.removeEventListener("abort", cancel);
        if (signal?.aborted) reject(signal.reason);
        else if (error) reject(toRpcError(error));
        else if (response === undefined || !("$typeName" in response)) {
          reject(new RpcError(Code.INTERNAL, `"${path}" had no answer`));
        } else resolve(response);
      },
    );
    const cancel = () => call.cancel();
    signal?.addEventListener("abort", cancel);
  });
}

async function* readStream(
  client: Client,
  method: DescMethod,
  request: Message,
  options: RpcOptions = {},
): AsyncGenerator<Message, void, void> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(
    method,
  );
  const { signal } = options;
  signal?.throwIfAborted();
  const call = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    deadlineOf(options),
  );
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel);
  try {
    for await (const message of call) yield message;
  } catch (error) {
    signal?.throwIfAborted();
    throw isServiceError(error) ? toRpcError(error) : error;
  } finally {
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
}

function deadlineOf({ timeout }: RpcOptions): { deadline?: number } {
  return timeout === undefined ? {} : { deadline: Date.now() + timeout };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error &&
    "metadata" in error;
}

function toRpcError(error: ServiceError): RpcError {
  const [reason] = error.metadata?.get(REASON_KEY) ?? [];
  return new RpcError(error.code, error.details, parseReason(reason), {
    cause: error,
  });
}
