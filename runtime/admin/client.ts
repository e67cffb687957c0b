import { dirname } from "node:path";
import * as v from "valibot";
import { lockHolder } from "../flock.ts";
import type { LogEntry } from "../log/entry.ts";
import type { NodeStatus } from "../status.ts";
import type { CallMethod, Service, StreamMethod } from "../service/contract.ts";
import { ServiceError } from "../service/errors.ts";
import { inputProblem } from "../service/input_problem.ts";
import { parseValue } from "../service/parse_value.ts";
import { NoNodeError } from "./errors.ts";
import { decodeJson, encodeJson } from "./json.ts";
import {
  ErrorAnswer,
  LogLine,
  PluginsAnswer,
  StatusAnswer,
} from "./protocol.ts";
import type { PluginDescription } from "./target.ts";

/** Names of a service's methods of one kind. */
type MethodsOf<S extends Service, K> = {
  [N in keyof S["methods"]]: S["methods"][N] extends K ? N : never;
}[keyof S["methods"]];

/** Options of {@linkcode AdminClient.logs}. */
export interface LogsOptions {
  /** A runnable and all below it. @default all */
  readonly dn?: string | undefined;
  /** How many of the latest entries at most. @default all that the node keeps */
  readonly limit?: number | undefined;
  /** Whether to go on with what is logged from now on. @default {false} */
  readonly follow?: boolean;
}

/** Options of {@linkcode AdminClient}. */
export interface AdminClientOptions {
  /** Milliseconds that the node has to say how it is: a stopped one never does. @default {15_000} */
  readonly patience?: number;
}

/** A node of this machine, through its admin socket. */
export class AdminClient implements Disposable {
  readonly #path: string;
  readonly #patience: number;
  readonly #http: Deno.HttpClient;

  /**
   * @param path The node's admin socket.
   * @param options See {@linkcode AdminClientOptions}.
   */
  constructor(path: string, { patience = 15_000 }: AdminClientOptions = {}) {
    this.#path = path;
    this.#patience = patience;
    this.#http = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  }

  /** Closes the connections; what is under way fails. */
  [Symbol.dispose](): void {
    this.#http.close();
  }

  /**
   * The node's status now.
   *
   * @returns What it says.
   * @throws {NoNodeError} Where no node can be talked to, or it does not answer.
   */
  async status(): Promise<NodeStatus> {
    const timeout = AbortSignal.timeout(this.#patience);
    return this.#parse(
      StatusAnswer,
      await this.#answer("GET", "/v1/status", undefined, timeout),
    );
  }

  /**
   * The node's status now and after every change, until the node ends.
   *
   * @param signal Ends it.
   */
  async *watchStatus(signal: AbortSignal): AsyncGenerator<NodeStatus> {
    const lines = this.#lines("GET", "/v1/status?watch", undefined, signal);
    for await (const line of lines) yield this.#parse(StatusAnswer, line);
  }

  /** Every plugin that the node's manifest declares. */
  async plugins(): Promise<readonly PluginDescription[]> {
    return this.#parse(PluginsAnswer, await this.#answer("GET", "/v1/plugins"));
  }

  /**
   * What the node logged.
   *
   * @param options See {@linkcode LogsOptions}.
   * @param signal Ends it.
   */
  async *logs(
    options: LogsOptions,
    signal: AbortSignal,
  ): AsyncGenerator<LogEntry | { dropped: number }> {
    const query = new URLSearchParams();
    if (options.dn !== undefined) query.set("dn", options.dn);
    if (options.limit !== undefined) query.set("limit", `${options.limit}`);
    if (options.follow) query.set("follow", "");
    const lines = this.#lines("GET", `/v1/logs?${query}`, undefined, signal);
    for await (const line of lines) yield this.#parse(LogLine, line);
  }

  /**
   * Calls a method of a service.
   *
   * @param service The contract.
   * @param method The method's name.
   * @param input What it takes.
   * @returns What it answers.
   * @throws {ServiceError} What the provider answered, or the node on the way there.
   * @throws {NoNodeError} Where no node can be talked to.
   */
  async call<S extends Service, N extends MethodsOf<S, CallMethod>>(
    service: S,
    method: N & string,
    input: v.InferInput<S["methods"][N]["input"]>,
  ): Promise<v.InferOutput<S["methods"][N]["output"]>> {
    const output = await this.#answer(
      "POST",
      `/v1/services/${service.name}/${method}`,
      input,
    );
    return this.#parse(outputOf<S, N>(service, method), output);
  }

  /**
   * Reads a stream of a service.
   *
   * @param service The contract.
   * @param method The method's name.
   * @param input What it takes.
   * @param signal Ends it.
   * @returns Its items, until the provider or the node ends it.
   */
  async *stream<S extends Service, N extends MethodsOf<S, StreamMethod>>(
    service: S,
    method: N & string,
    input: v.InferInput<S["methods"][N]["input"]>,
    signal: AbortSignal,
  ): AsyncGenerator<v.InferOutput<S["methods"][N]["output"]>> {
    const schema = outputOf<S, N>(service, method);
    const lines = this.#lines(
      "POST",
      `/v1/services/${service.name}/${method}`,
      input,
      signal,
    );
    for await (const line of lines) {
      yield this.#parse(schema, this.#parse(Item, line).item);
    }
  }

  async #answer(
    method: string,
    path: string,
    input?: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const response = await this.#fetch(method, path, input, signal);
    return decodeJson(await this.#read(response.text()));
  }

  async *#lines(
    method: string,
    path: string,
    input: unknown,
    signal: AbortSignal,
  ): AsyncGenerator<unknown> {
    try {
      const response = await this.#fetch(method, path, input, signal);
      const decoder = new TextDecoder();
      let rest = "";
      for await (const chunk of untilAborted(response.body, signal)) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split(
          "\n",
        );
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const value = decodeJson(line);
          throwIfError(value);
          yield value;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      throw await this.#explain(error);
    }
  }

  async #fetch(
    method: string,
    path: string,
    input: unknown,
    signal?: AbortSignal,
  ): Promise<Response> {
    const response = await this.#read(
      fetch(`http://hamlet${path}`, {
        client: this.#http,
        method,
        ...(input !== undefined && { body: encodeJson(input) }),
        ...(signal && { signal }),
      }),
    );
    if (response.ok) return response;
    const text = await this.#read(response.text());
    throwIfError(tryDecode(text));
    throw new NoNodeError(
      `Cannot talk to the node at "${this.#path}": it answered with HTTP status ${response.status}, as no node of this version does`,
    );
  }

  #parse<S extends v.GenericSchema>(
    schema: S,
    value: unknown,
  ): v.InferOutput<S> {
    const parsed = parseValue(schema, value);
    if (parsed.success) return parsed.output;
    throw new NoNodeError(
      `Cannot talk to the node at "${this.#path}": it answers as no node of this version does (${
        inputProblem(parsed.issues)
      })`,
    );
  }

  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  /** fetch() tells why it failed in the text of its error alone, so the socket itself is asked. */
  async #explain(error: unknown): Promise<unknown> {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return new NoNodeError(
        `The node at "${this.#path}" does not answer: it hangs, is stopped or has too much to do`,
        { cause: error },
      );
    }
    if (!(error instanceof TypeError)) return error;
    const path = this.#path;
    try {
      (await Deno.connect({ transport: "unix", path })).close();
    } catch (cause) {
      return new NoNodeError(await whyUnreachable(path, cause), { cause });
    }
    return new NoNodeError(`The node at "${path}" broke off the conversation`, {
      cause: error,
    });
  }
}

const START =
  "start one with `hamlet run` or `hamlet dev`, or name the run folder of another with --run-dir, as `--run-dir .hamlet/run` where `hamlet dev` runs";

/**
 * Reads a body until a signal aborts. That fetch() has the signal is not enough: after some
 * thousand other requests it no longer ends a body (seen with Deno 2.9.6).
 */
async function* untilAborted(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (body === null) return;
  const reader = body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

async function whyUnreachable(path: string, cause: unknown): Promise<string> {
  if (cause instanceof Deno.errors.NotFound) {
    // Where only others may look, there is nothing more to say.
    const holder = await lockHolder(dirname(path)).catch(() => undefined);
    if (holder !== undefined) {
      return `A node runs here, process ${holder}, but there is no "${path}": it is starting or ending, or ` +
        `makes it again within seconds; try again then, or end the process and start the node again`;
    }
    return `No node is running here: there is no "${path}"; ${START}`;
  }
  if (cause instanceof Deno.errors.ConnectionRefused) {
    return `No node is running here: "${path}" is what an ended one left behind; ${START}`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `Cannot talk to the node at "${path}": only ${
      ownerOf(path)
    } may, and you are user ${Deno.uid()}; try it with sudo`;
  }
  return `Cannot talk to the node at "${path}": ${
    cause instanceof Error ? cause.message : cause
  }`;
}

function ownerOf(path: string): string {
  try {
    const { uid } = Deno.lstatSync(path);
    return uid === 0 ? "root" : `root and user ${uid}`;
  } catch {
    return "root, and the user that the node runs as,";
  }
}

/** A line of a stream of a service. */
const Item = v.object({ item: v.optional(v.unknown()) });

/** The generic method's schema, as the contract has it. */
function outputOf<S extends Service, N extends keyof S["methods"]>(
  service: S,
  method: N,
): S["methods"][N]["output"] {
  const methods: S["methods"] = service.methods;
  const found: S["methods"][N] = methods[method];
  return found.output;
}

function tryDecode(text: string): unknown {
  try {
    return decodeJson(text);
  } catch {
    return undefined;
  }
}

function throwIfError(value: unknown): void {
  const found = v.safeParse(ErrorAnswer, value);
  if (!found.success) return;
  const { code, message } = found.output.error;
  throw new ServiceError(code, message);
}
