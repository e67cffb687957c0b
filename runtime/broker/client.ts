import * as v from "valibot";
import type {
  CallOptions,
  Client,
  Method,
  Service,
} from "../service/contract.ts";
import { ServiceError, ServiceGoneError } from "../service/errors.ts";
import { parseValue } from "../service/parse_value.ts";
import {
  parseProviderFrame,
  ProtocolError,
  type ProviderFrame,
} from "./frame.ts";
import {
  MAX_BYTES_UNDER_WAY,
  MAX_CALLS,
  MAX_INPUT_BYTES,
  STREAM_WINDOW,
} from "./limits.ts";
import { packMeasured } from "./pack.ts";
import { sendPacked } from "./send_packed.ts";
import type { Transport } from "./transport.ts";

/** What waits for frames under one id. */
interface Pending {
  /** Takes a frame of this id. */
  receive(frame: ProviderFrame): void;
  /** Ends it without asking the provider. */
  fail(error: unknown): void;
}

/** What waits, and how much it has sent. */
interface UnderWay {
  readonly pending: Pending;
  readonly bytes: number;
}

/**
 * Makes the user's end of a connection.
 *
 * @param service The contract.
 * @param transport Leads to a provider; see `serve`.
 * @returns The service. It is gone once the transport closes.
 */
export function connect<S extends Service>(
  service: S,
  transport: Transport,
): Client<S> {
  const connection = new Connection(service, transport);
  const client: Record<string, unknown> = { gone: connection.gone };
  for (const [name, method] of Object.entries(service.methods)) {
    client[name] = method.kind === "call"
      ? (input: unknown, options?: CallOptions) =>
        connection.call(name, method, input, options)
      : (input: unknown, options?: CallOptions) =>
        connection.stream(name, method, input, options);
  }
  // Built from the contract a line above, in a way the type system cannot follow.
  return client as Client<S>;
}

class Connection {
  readonly #service: Service;
  readonly #transport: Transport;
  readonly #pending = new Map<number, UnderWay>();
  /** What those that are pending have sent. */
  #bytes = 0;
  readonly #gone = new AbortController();
  #lastId = 0;

  constructor(service: Service, transport: Transport) {
    this.#service = service;
    this.#transport = transport;
    transport.onClose(() => this.#lose());
    transport.onMessage((message) => this.#receive(message));
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async call(
    name: string,
    method: Method,
    input: unknown,
    { signal }: CallOptions = {},
  ): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = this.#open(name, input, signal, {
      receive: (frame) => {
        if (frame.kind === "value") resolve(frame.value);
        else if (frame.kind === "error") reject(errorOf(frame));
        else throw new ProtocolError(`Frame "end" for call "${name}"`);
        this.#remove(frame.id);
      },
      fail: reject,
    });
    const cancel = () => this.#cancel(id, signal?.reason);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return this.#parse(name, method.output, await promise);
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  stream(
    name: string,
    method: Method,
    input: unknown,
    { signal }: CallOptions = {},
  ): AsyncIterableIterator<unknown> {
    const reader = new StreamReader({
      parse: (value) => this.#parse(name, method.output, value),
      credit: (items) => this.#transport.queue({ kind: "credit", id, items }),
      cancel: () => this.#transport.queue({ kind: "cancel", id }),
      settled: () => {
        this.#remove(id);
        signal?.removeEventListener("abort", cancel);
      },
    });
    const cancel = () => this.#cancel(id, signal?.reason);
    let id = 0;
    try {
      id = this.#open(name, input, signal, reader);
      signal?.addEventListener("abort", cancel, { once: true });
    } catch (error) {
      // A stream fails where it is read, so that there is one place to handle it.
      reader.fail(error);
    }
    return reader;
  }

  #open(
    method: string,
    input: unknown,
    signal: AbortSignal | undefined,
    pending: Pending,
  ): number {
    signal?.throwIfAborted();
    if (this.gone.aborted) throw this.gone.reason;
    const packed = packMeasured(input, MAX_INPUT_BYTES);
    const { bytes } = packed;
    // Here already: what is sent waits at the provider, which could refuse it only once it gets to it.
    if (
      this.#pending.size >= MAX_CALLS ||
      this.#bytes + bytes > MAX_BYTES_UNDER_WAY
    ) {
      throw new ServiceError(
        "resource-exhausted",
        `There may be ${MAX_CALLS} calls of service "${this.#service.name}" under way, with ${MAX_BYTES_UNDER_WAY} bytes in all`,
      );
    }
    const id = ++this.#lastId;
    sendPacked(
      this.#transport,
      packed,
      (input) => ({ kind: "call", id, method, input }),
    );
    this.#pending.set(id, { pending, bytes });
    this.#bytes += bytes;
    return id;
  }

  #remove(id: number): Pending | undefined {
    const removed = this.#pending.get(id);
    if (removed === undefined) return;
    this.#pending.delete(id);
    this.#bytes -= removed.bytes;
    return removed.pending;
  }

  #cancel(id: number, reason: unknown): void {
    const pending = this.#remove(id);
    if (pending === undefined) return;
    this.#transport.queue({ kind: "cancel", id });
    pending.fail(reason);
  }

  #receive(message: unknown): void {
    try {
      const frame = parseProviderFrame(message);
      // None: the answer crossed our cancellation.
      this.#pending.get(frame.id)?.pending.receive(frame);
    } catch (error) {
      // The provider is broken, so its answers are worth nothing.
      if (!(error instanceof ProtocolError)) throw error;
      this.#transport.close();
    }
  }

  #parse(name: string, schema: v.GenericSchema, value: unknown): unknown {
    const parsed = parseValue(schema, value);
    if (parsed.success) return parsed.output;
    throw new ServiceError(
      "internal",
      `The provider of service "${this.#service.name}" answered "${name}" with what its contract does not allow`,
      { cause: new v.ValiError(parsed.issues) },
    );
  }

  #lose(): void {
    const error = new ServiceGoneError(this.#service.name);
    this.#gone.abort(error);
    for (const { pending } of this.#pending.values()) pending.fail(error);
    this.#pending.clear();
    this.#bytes = 0;
  }
}

/** What a stream asks of its connection. */
interface StreamCalls {
  parse(value: unknown): unknown;
  credit(items: number): void;
  cancel(): void;
  /** Nothing more comes, or is wanted. */
  settled(): void;
}

/** How a stream ended; `error` is absent where it came to its end. */
interface StreamEnd {
  readonly error?: unknown;
}

type NextResult = IteratorResult<unknown, undefined>;

/**
 * Reads a stream. Not an async generator: its `return()` would wait for the `next()` under way, so
 * that a reader that waits could not be ended.
 */
class StreamReader implements AsyncIterableIterator<unknown>, Pending {
  readonly #calls: StreamCalls;
  /** Items that nobody has asked for yet; at most a window of them. */
  readonly #items: unknown[] = [];
  /** Readers that wait for an item. */
  readonly #readers: PromiseWithResolvers<NextResult>[] = [];
  #end: StreamEnd | undefined;
  /** Items taken since credit was last given. */
  #taken = 0;

  constructor(calls: StreamCalls) {
    this.#calls = calls;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<NextResult> {
    const reader = Promise.withResolvers<NextResult>();
    this.#readers.push(reader);
    this.#deliver();
    return reader.promise;
  }

  return(): Promise<NextResult> {
    this.#items.length = 0;
    if (this.#end === undefined) {
      this.#finish({});
      this.#calls.cancel();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  receive(frame: ProviderFrame): void {
    if (frame.kind === "value") {
      if (this.#items.length >= STREAM_WINDOW) {
        throw new ProtocolError("More items than there was credit for");
      }
      this.#items.push(frame.value);
      this.#deliver();
    } else {
      this.#finish(frame.kind === "error" ? { error: errorOf(frame) } : {});
    }
  }

  fail(error: unknown): void {
    // What was canceled, or has lost its provider, is not read to its end.
    this.#items.length = 0;
    this.#finish({ error });
  }

  #finish(end: StreamEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#calls.settled();
    this.#deliver();
  }

  /** Gives the readers what there is: items in order, then the error once, then the end. */
  #deliver(): void {
    while (this.#readers.length > 0) {
      if (this.#items.length > 0) {
        const reader = this.#readers.shift();
        const item = this.#items.shift();
        this.#take();
        try {
          reader?.resolve({ done: false, value: this.#calls.parse(item) });
        } catch (error) {
          reader?.reject(error);
          void this.return();
        }
      } else if (this.#end !== undefined) {
        const reader = this.#readers.shift();
        const end = this.#end;
        this.#end = {};
        if ("error" in end) reader?.reject(end.error);
        else reader?.resolve({ done: true, value: undefined });
      } else {
        return;
      }
    }
  }

  #take(): void {
    this.#taken += 1;
    // In halves of a window, so that the provider neither waits nor hears of every item.
    if (this.#end !== undefined || this.#taken < STREAM_WINDOW / 2) return;
    this.#calls.credit(this.#taken);
    this.#taken = 0;
  }
}

function errorOf(frame: ProviderFrame & { kind: "error" }): ServiceError {
  return new ServiceError(frame.code, frame.message);
}
