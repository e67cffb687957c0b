import type * as v from "valibot";
import type {
  Caller,
  Implementation,
  Method,
  Service,
} from "../service/contract.ts";
import { ScopeError, ServiceError } from "../service/errors.ts";
import { inputProblem } from "../service/input_problem.ts";
import { parseValue } from "../service/parse_value.ts";
import { parseUserFrame, ProtocolError, type UserFrame } from "./frame.ts";
import {
  MAX_CALLS,
  MAX_INPUT_BYTES,
  MAX_OUTPUT_BYTES,
  MAX_SHARED_BYTES,
  MAX_STREAMS,
  STREAM_WINDOW,
} from "./limits.ts";
import { pack, packMeasured } from "./pack.ts";
import type { Refusals } from "./refusals.ts";
import { sendPacked } from "./send_packed.ts";
import type { Transport } from "./transport.ts";

/** Who is at the other end of a connection, as the broker states it. */
export interface ConnectionUser {
  readonly name: string;
  /** The methods it may call. @default every method */
  readonly methods?: readonly string[] | undefined;
  /** Its scope as the manifest says it. */
  readonly scope: unknown;
}

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  readonly user: ConnectionUser;
  /** Takes what was refused, and errors that no contract foresees. */
  readonly refusals: Refusals;
}

/** The provider's end of a connection. */
export interface ServedConnection {
  /** Ends it: aborts what runs for its user. */
  close(): void;
  /** Resolves once it is closed and nothing runs for its user any more. */
  readonly finished: Promise<void>;
}

/**
 * Makes the provider's end of a connection. Whatever its user sends can at worst end this connection.
 *
 * @param service The contract.
 * @param implementation What answers each method.
 * @param transport Leads to the user; see `connect`.
 * @param options See {@linkcode ServeOptions}.
 * @returns The connection.
 */
export function serve<S extends Service>(
  service: S,
  implementation: Implementation<S>,
  transport: Transport,
  options: ServeOptions,
): ServedConnection {
  // The contract's schemas check at run time what the types of the methods say.
  const handlers = implementation as unknown as Readonly<
    Record<string, Handler>
  >;
  return new Server(service, handlers, transport, options);
}

/** One method of an implementation, its types erased: the contract's schemas check what they said. */
type Handler = (
  input: unknown,
  caller: Caller,
) => Promise<unknown> | AsyncIterable<unknown>;

/** A call or a stream that runs. */
interface Running {
  readonly controller: AbortController;
  /** Absent for a call. */
  readonly credit?: Credit;
}

type CallFrame = UserFrame & { kind: "call" };

class Server implements ServedConnection {
  readonly finished: Promise<void>;
  readonly #finished = Promise.withResolvers<void>();
  readonly #service: Service;
  readonly #handlers: Readonly<Record<string, Handler>>;
  readonly #transport: Transport;
  readonly #user: ConnectionUser;
  readonly #refusals: Refusals;
  readonly #scope: v.SafeParseResult<v.GenericSchema>;
  readonly #running = new Map<number, Running>();
  #streams = 0;
  #closed = false;

  constructor(
    service: Service,
    handlers: Readonly<Record<string, Handler>>,
    transport: Transport,
    { user, refusals }: ServeOptions,
  ) {
    this.finished = this.#finished.promise;
    this.#service = service;
    this.#handlers = handlers;
    this.#transport = transport;
    this.#user = user;
    this.#refusals = refusals;
    this.#scope = parseValue(service.scope, user.scope);
    transport.onClose(() => this.#end());
    transport.onMessage((message, alone) =>
      this.#receive(message, alone ? MAX_INPUT_BYTES : MAX_SHARED_BYTES)
    );
  }

  close(): void {
    this.#transport.close();
  }

  #receive(message: unknown, most: number): void {
    try {
      const frame = parseUserFrame(message);
      switch (frame.kind) {
        case "call":
          return this.#start(frame, most);
        // Where nothing runs, the frame crossed its end.
        case "credit":
          return this.#running.get(frame.id)?.credit?.add(frame.items);
        case "cancel":
          return this.#running.get(frame.id)?.controller.abort(
            new ServiceError("canceled", "The caller has canceled the call"),
          );
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refusals.log(
        `Closed the connection of "${this.#user.name}" to service "${this.#service.name}", which broke the protocol: ${error.message}`,
      );
      this.close();
    }
  }

  #start(frame: CallFrame, most: number): void {
    if (this.#running.has(frame.id)) {
      throw new ProtocolError("A call with the number of one that runs");
    }
    let method, input;
    try {
      method = this.#admit(frame.method);
      input = this.#parse(frame.method, method, pack(frame.input, most));
    } catch (error) {
      return this.#fail(frame, error);
    }
    const controller = new AbortController();
    const caller: Caller = {
      name: this.#user.name,
      scope: this.#scope.output,
      signal: controller.signal,
    };
    if (method.kind === "call") {
      this.#running.set(frame.id, { controller });
      void this.#answer(frame, input, caller);
    } else {
      const credit = new Credit(controller.signal);
      this.#running.set(frame.id, { controller, credit });
      this.#streams += 1;
      void this.#stream(frame, input, caller, credit, controller);
    }
  }

  /** Whether the user may call a method, and now. */
  #admit(name: string): Method {
    const { methods, name: service } = this.#service;
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined) {
      throw new ServiceError(
        "not-found",
        `Service "${service}" has no method "${name.slice(0, 64)}"`,
      );
    }
    const allowed = this.#user.methods;
    if (allowed !== undefined && !allowed.includes(name)) {
      throw new ScopeError(
        this.#user.name,
        `call "${name}" of service "${service}"`,
        `uses.${service}.methods: ${
          JSON.stringify([...allowed, name].sort()).replaceAll(",", ", ")
        }`,
      );
    }
    if (!this.#scope.success) {
      throw new ScopeError(
        this.#user.name,
        `use service "${service}", since its scope is not valid (${
          inputProblem(this.#scope.issues)
        })`,
        `uses.${service}.scope`,
      );
    }
    if (
      this.#running.size >= MAX_CALLS ||
      method.kind === "stream" && this.#streams >= MAX_STREAMS
    ) {
      throw new ServiceError(
        "resource-exhausted",
        `"${this.#user.name}" may have ${MAX_CALLS} calls of service "${service}" under way, ${MAX_STREAMS} of them streams`,
      );
    }
    return method;
  }

  #parse(name: string, method: Method, input: unknown): unknown {
    const parsed = parseValue(method.input, input);
    if (parsed.success) return parsed.output;
    throw new ServiceError(
      "invalid-argument",
      `Service "${this.#service.name}" cannot take this input of "${name}" (${
        inputProblem(parsed.issues)
      })`,
    );
  }

  async #answer(
    frame: CallFrame,
    input: unknown,
    caller: Caller,
  ): Promise<void> {
    try {
      const value = await this.#call(frame.method, input, caller);
      if (!caller.signal.aborted) this.#value(frame, value);
    } catch (error) {
      if (!caller.signal.aborted) this.#fail(frame, error);
    } finally {
      this.#leave(frame.id);
    }
  }

  async #stream(
    frame: CallFrame,
    input: unknown,
    caller: Caller,
    credit: Credit,
    controller: AbortController,
  ): Promise<void> {
    const { signal } = caller;
    let returned: Promise<unknown> | undefined;
    try {
      const iterator = toIterator(this.#call(frame.method, input, caller));
      // At once, also while an item is awaited: what relays another stream ends by it.
      signal.addEventListener("abort", () => {
        returned = Promise.resolve(iterator.return?.()).catch(() => {});
      }, { once: true });
      while (await credit.take()) {
        const next = await iterator.next();
        if (signal.aborted) break;
        if (next.done) {
          this.#transport.queue({ kind: "end", id: frame.id });
          break;
        }
        this.#value(frame, next.value);
      }
    } catch (error) {
      if (!signal.aborted) {
        this.#fail(frame, error);
        // For an item that cannot cross: its provider does not know.
        controller.abort(error);
      }
    } finally {
      await returned;
      this.#streams -= 1;
      this.#leave(frame.id);
    }
  }

  #call(method: string, input: unknown, caller: Caller) {
    const handler = this.#handlers[method];
    if (handler === undefined) {
      throw new ServiceError(
        "not-found",
        `The provider of service "${this.#service.name}" does not implement "${method}"`,
      );
    }
    return handler.call(this.#handlers, input, caller);
  }

  #value({ id }: CallFrame, value: unknown): void {
    const packed = packMeasured(value, MAX_OUTPUT_BYTES);
    sendPacked(
      this.#transport,
      packed,
      (value) => ({ kind: "value", id, value }),
    );
  }

  #fail({ id, method }: CallFrame, error: unknown): void {
    const { code, message } = error instanceof ServiceError
      ? error
      : new ServiceError("internal", messageOf(error));
    if (code === "not-permitted") {
      this.#refusals.log(message);
    } else if (!(error instanceof ServiceError)) {
      this.#refusals.log(
        `Service "${this.#service.name}" failed in "${method}": ${message}`,
        { error },
      );
    }
    this.#transport.queue({ kind: "error", id, code, message });
  }

  #leave(id: number): void {
    this.#running.delete(id);
    if (this.#closed && this.#running.size === 0) this.#finished.resolve();
  }

  #end(): void {
    this.#closed = true;
    if (this.#running.size === 0) this.#finished.resolve();
    const reason = new ServiceError(
      "canceled",
      `The caller "${this.#user.name}" is gone`,
    );
    for (const { controller } of this.#running.values()) {
      controller.abort(reason);
    }
  }
}

/** How many items a stream may send before its reader has taken some. */
class Credit {
  readonly #signal: AbortSignal;
  #items = STREAM_WINDOW;
  #wake: (() => void) | undefined;

  /** @param signal Ends the wait. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  /** Takes what the reader gives. */
  add(items: number): void {
    if (items > STREAM_WINDOW - this.#items) {
      throw new ProtocolError("More credit than there is to give back");
    }
    this.#items += items;
    this.#wake?.();
  }

  /** Waits until one more item may be sent; false once the stream is canceled. */
  async take(): Promise<boolean> {
    while (this.#items === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#signal.aborted) return false;
    this.#items -= 1;
    return true;
  }
}

function toIterator(
  result: Promise<unknown> | AsyncIterable<unknown>,
): AsyncIterator<unknown> {
  if (Symbol.asyncIterator in result) return result[Symbol.asyncIterator]();
  throw new TypeError("A stream's implementation must return an AsyncIterable");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
