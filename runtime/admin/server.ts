import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import type { Service } from "../service/contract.ts";
import { inputProblem } from "../service/input_problem.ts";
import { ServiceError, type ServiceErrorCode } from "../service/errors.ts";
import { parseValue } from "../service/parse_value.ts";
import { Count } from "../service/values.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { type ErrorAnswer, STATUS_OF } from "./protocol.ts";
import { ADMIN_SERVICES } from "./services.ts";
import { clearSocket } from "./socket.ts";
import type { AdminTarget } from "./target.ts";

/** The largest body of a request in bytes: a value of 1 MiB in base64, with room for the rest. */
const MAX_BODY = 4 * 1024 * 1024;
/** How long a call waits for a service that nobody provides yet, in milliseconds. */
const PROVIDER_TIMEOUT = 2_000;
/** How often it is looked whether the socket is still there, in milliseconds. */
const LOOK_MS = 2_000;
/** How long answers under way may take when the node stops, in milliseconds. */
const STOP_TIMEOUT = 500;

/** A server that runs. */
export interface AdminServer {
  /** Ends it: calls under way are canceled, and the socket is removed. */
  stop(): Promise<void>;
}

/**
 * Serves a node to whoever may open its socket: the user it runs as, and root. A socket that somebody
 * removes is made again: without it nobody could tell that the node runs.
 *
 * @param path The socket, in a folder that exists.
 * @param target The node.
 * @returns The server, once it listens.
 * @throws {AdminSocketError} Where the path is taken.
 */
export async function serveAdmin(
  path: string,
  target: AdminTarget,
): Promise<AdminServer> {
  await clearSocket(path);
  const stopping = new AbortController();
  const handler = createHandler(target, stopping.signal);
  // Whoever is served by one whose socket is gone goes on; and to end it would remove the new one.
  const servers = [listen(path, target, handler)];
  const kept = keep(path, target, stopping.signal, () => {
    servers.push(listen(path, target, handler));
  });
  return {
    async stop() {
      stopping.abort(new ServiceError("unavailable", "The node is stopping"));
      await kept;
      // A reader that does not read would hold up the node's end for ever.
      const timeout = Promise.withResolvers<void>();
      const timer = setTimeout(timeout.resolve, STOP_TIMEOUT);
      await Promise.race([
        Promise.all(servers.map((server) => server.shutdown())),
        timeout.promise,
      ]);
      clearTimeout(timer);
    },
  };
}

/** Makes the socket and answers at it. */
function listen(
  path: string,
  target: AdminTarget,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer {
  // The mode must be right from the first instant on, and bind(2) knows only the umask. It is the
  // process's own, but nothing else runs between these lines in this thread.
  const umask = Deno.umask(0o077);
  try {
    return Deno.serve({
      path,
      onListen() {},
      onError(error) {
        target.log.error("A request of the admin socket failed", { error });
        return failure(new ServiceError("internal", "Internal error"));
      },
    }, handler);
  } finally {
    Deno.umask(umask);
  }
}

/** Makes a socket again whenever it is gone: it looks, since a watch would miss a folder that is replaced. */
async function keep(
  path: string,
  { log }: AdminTarget,
  signal: AbortSignal,
  make: () => void,
): Promise<void> {
  let failed = false;
  for (;;) {
    await delay(LOOK_MS, undefined, { signal }).catch(() => {});
    const gone = await Deno.lstat(path).then(
      () => false,
      (error) => error instanceof Deno.errors.NotFound,
    );
    if (signal.aborted) return;
    if (!gone) continue;
    try {
      make();
      log.warn(`The admin socket "${path}" was gone and has been made again`);
      failed = false;
    } catch (error) {
      if (!failed) {
        log.error(`Cannot make the admin socket "${path}" again`, { error });
      }
      failed = true;
    }
  }
}

/** One kind of request. */
interface Route {
  readonly method: "GET" | "POST";
  readonly pattern: RegExp;
  handle(request: AdminRequest): Promise<Response> | Response;
}

/** A request on its way to an answer. */
interface AdminRequest {
  readonly request: Request;
  readonly query: URLSearchParams;
  /** What the route's pattern matched. */
  readonly parts: readonly string[];
}

/**
 * Answers requests for a node, whatever they come over.
 *
 * @param target The node.
 * @param stopping Cancels what is under way when it aborts.
 * @returns The handler.
 */
function createHandler(
  target: AdminTarget,
  stopping: AbortSignal,
): (request: Request) => Promise<Response> {
  const clients = new Map<string, Promise<object>>();

  /** One connection per service: each has an end at the provider too. */
  function connect(service: Service): Promise<object> {
    const known = clients.get(service.name);
    if (known !== undefined) return known;
    const forget = () => clients.delete(service.name);
    const client = target.use(
      service,
      AbortSignal.any([stopping, AbortSignal.timeout(PROVIDER_TIMEOUT)]),
    ).then((client) => {
      client.gone.addEventListener("abort", forget, { once: true });
      return client;
    });
    clients.set(service.name, client);
    client.catch(forget);
    return client;
  }

  const routes: readonly Route[] = [
    {
      method: "GET",
      pattern: /^\/v1\/status$/,
      async handle({ query }) {
        return query.has("watch")
          ? streaming((signal) => watchStatus(target, signal), stopping)
          : answer(await target.status());
      },
    },
    {
      method: "GET",
      pattern: /^\/v1\/plugins$/,
      handle: () => answer(target.plugins()),
    },
    {
      method: "GET",
      pattern: /^\/v1\/logs$/,
      handle({ query }) {
        const { dn, limit, follow } = parse(
          v.object({
            dn: v.optional(v.string()),
            limit: v.optional(v.pipe(v.string(), v.transform(Number), Count)),
            follow: v.optional(v.string()),
          }),
          Object.fromEntries(query),
          "The query",
        );
        return streaming(
          (signal) => readLogs(target, dn, limit, follow !== undefined, signal),
          stopping,
        );
      },
    },
    {
      method: "POST",
      pattern: /^\/v1\/services\/([a-z0-9-]+)\/([A-Za-z0-9]+)$/,
      async handle({ request, parts: [name = "", method = ""] }) {
        const found = ADMIN_SERVICES.get(name);
        const contract = found && Object.hasOwn(found.service.methods, method)
          ? found.service.methods[method]
          : undefined;
        if (found === undefined || contract === undefined) {
          throw new ServiceError(
            "not-found",
            `There is no method "${method}" of a service "${name}" at the admin socket`,
          );
        }
        const input = parse(
          contract.input,
          await readBody(request),
          "The body",
        );
        refuseIfElsewhere(target, name);
        const client = await connect(found.service).catch((error: unknown) => {
          if (!isTimeout(error)) throw error;
          throw new ServiceError(
            "unavailable",
            `Nobody provides service "${name}" for now; \`hamlet status\` says why`,
          );
        });
        const call: unknown = Reflect.get(client, method);
        if (typeof call !== "function") {
          throw new TypeError(`Service "${name}" has no method "${method}"`);
        }
        const audit = (outcome: string) => {
          if (found.reads.has(method)) return;
          // The socket does not tell which user is at its other end; only two can open it.
          target.audit.info(`Admin called ${name}.${method}: ${outcome}`, {
            input,
          });
        };
        if (contract.kind === "stream") {
          audit("started");
          return streaming(
            (signal) =>
              ending(items(call.call(client, input, { signal })), audit),
            stopping,
          );
        }
        try {
          // Goes on without its caller: only the provider knows whether half of it is worse.
          const output: unknown = await call.call(client, input, {
            signal: stopping,
          });
          audit("done");
          return answer(output);
        } catch (error) {
          audit(toServiceError(error).code);
          throw error;
        }
      },
    },
  ];

  return async (request) => {
    const url = URL.parse(request.url);
    if (url === null) {
      return failure(
        new ServiceError("invalid-argument", "The request has no valid URL"),
      );
    }
    const allowed: string[] = [];
    for (const { method, pattern, handle } of routes) {
      const match = url.pathname.match(pattern);
      if (match === null) continue;
      if (request.method !== method) {
        allowed.push(method);
        continue;
      }
      const [, ...parts] = match;
      try {
        return await handle({ request, query: url.searchParams, parts });
      } catch (error) {
        const known = toServiceError(error);
        if (known.code === "internal") {
          target.log.error("A request of the admin socket failed", { error });
        }
        return failure(known);
      }
    }
    if (allowed.length > 0) {
      return failure(
        new ServiceError(
          "invalid-argument",
          `${request.method} is not possible here, ${allowed.join()} is`,
        ),
        { status: 405, headers: { allow: allowed.join() } },
      );
    }
    return failure(
      new ServiceError("not-found", `There is no "${url.pathname}"`),
    );
  };
}

/** The status now and after every change; changes that come faster than they are read are one. */
async function* watchStatus(
  target: AdminTarget,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const unsubscribe = target.onChange(wake);
  signal.addEventListener("abort", wake);
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers();
      yield await target.status();
      if (!signal.aborted) await changed.promise;
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", wake);
  }
}

async function* readLogs(
  { logs }: AdminTarget,
  dn: string | undefined,
  limit: number | undefined,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  // Both at once, so that nothing is missed or told twice in between.
  const recent = logs.recent(dn, limit);
  const following = follow ? logs.follow(dn, signal) : undefined;
  try {
    yield* recent;
    if (following === undefined) return;
    for await (const item of following) {
      yield item.kind === "entry" ? item.entry : { dropped: item.count };
    }
  } finally {
    await following?.return?.();
  }
}

/** Items in an envelope, since one of theirs may look like an error. */
async function* items(stream: unknown): AsyncGenerator<unknown> {
  for await (const item of iterable(stream)) yield { item };
}

/** Reads a stream, and tells how it has ended: `done`, by which error, or `canceled` by who read it. */
async function* ending(
  stream: AsyncGenerator<unknown>,
  tell: (outcome: string) => void,
): AsyncGenerator<unknown> {
  let outcome = "canceled";
  try {
    yield* stream;
    outcome = "done";
  } catch (error) {
    outcome = toServiceError(error).code;
    throw error;
  } finally {
    tell(outcome);
  }
}

function iterable(value: unknown): AsyncIterable<unknown> {
  if (
    typeof value !== "object" || value === null ||
    !(Symbol.asyncIterator in value)
  ) throw new TypeError("A stream method did not answer with a stream");
  const open = value[Symbol.asyncIterator];
  if (typeof open !== "function") throw new TypeError("A stream is not one");
  return { [Symbol.asyncIterator]: () => open.call(value) };
}

function answer(value: unknown): Response {
  return new Response(`${encodeJson(value)}\n`, {
    headers: { "content-type": "application/json" },
  });
}

/**
 * Answers with lines as they are read: a reader that stops costs one line.
 *
 * @param start Begins them; the signal aborts when the reader leaves.
 * @param stopping Ends them when it aborts.
 */
function streaming(
  start: (signal: AbortSignal) => AsyncGenerator<unknown>,
  stopping: AbortSignal,
): Response {
  const left = new AbortController();
  const lines = start(AbortSignal.any([left.signal, stopping]));
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await lines.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(`${encodeJson(value)}\n`));
      } catch (error) {
        if (left.signal.aborted) return;
        const line = encodeJson(errorAnswer(toServiceError(error)));
        controller.enqueue(encoder.encode(`${line}\n`));
        controller.close();
      }
    },
    async cancel() {
      left.abort();
      await lines.return(undefined);
    },
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: { "content-type": "application/x-ndjson" },
  });
}

async function readBody(request: Request): Promise<unknown> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      if (size > MAX_BODY) {
        throw new ServiceError(
          "resource-exhausted",
          `The body is larger than ${MAX_BODY} bytes`,
        );
      }
      text += decoder.decode(chunk, { stream: true });
    }
    text += decoder.decode();
    return text === "" ? {} : decodeJson(text);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError(
      "invalid-argument",
      `Cannot read the body as JSON: ${messageOf(error)}`,
    );
  }
}

function parse<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  what: string,
): v.InferOutput<S> {
  const result = parseValue(schema, value);
  if (result.success) return result.output;
  throw new ServiceError(
    "invalid-argument",
    `${what} is not what is wanted: ${inputProblem(result.issues)}`,
  );
}

function failure(error: ServiceError, init: ResponseInit = {}): Response {
  return Response.json(errorAnswer(error), {
    status: STATUS_OF[error.code],
    ...init,
  });
}

function errorAnswer({ code, message }: ServiceError): ErrorAnswer {
  return { error: { code, message } };
}

function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const code: ServiceErrorCode =
    error instanceof DOMException && error.name === "AbortError"
      ? "canceled"
      : "internal";
  return new ServiceError(code, messageOf(error), { cause: error });
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Refuses a service whose plugins this node does not run, such as the store on a worker: nobody would come to provide it. */
function refuseIfElsewhere(target: AdminTarget, service: string): void {
  const providers = target.plugins().filter(({ provides }) =>
    provides.includes(service)
  );
  const [first] = providers;
  if (first === undefined || providers.some(({ loaded }) => loaded)) return;
  throw new ServiceError(
    "failed-precondition",
    `This node does not run plugin "${first.name}", which provides service "${service}"; run the command on a ${
      first.roles.join(" or ")
    } that does`,
  );
}
