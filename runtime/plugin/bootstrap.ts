/**
 * The entry of every plugin's Worker: loads the plugin under its grant and supervises it.
 *
 * What is imported here is code of the host, so the plugin may import it too without being granted
 * to read it; that is why `mod.ts` as a whole is. The plugin itself is imported by a name that is not
 * in this text: what a module names literally, Deno loads with the rights of the program.
 *
 * The border is the thread, not this module: whatever comes out of this thread, over whichever port,
 * is what the plugin says, and the host believes none of it.
 *
 * @module
 */
import { format, stripVTControlCharacters } from "node:util";
import { type Logger, type Plugin, v } from "../../mod.ts";
import { messagePortTransport } from "../broker/message_port_transport.ts";
import { armFailpoints } from "../failpoint.ts";
import { inputProblem } from "../service/input_problem.ts";
import { parseValue } from "../service/parse_value.ts";
import { describeError } from "../supervisor/errors.ts";
import {
  CanceledError,
  type Context,
  supervise,
  type Supervisor,
  UnexpectedReturnError,
} from "../supervisor/mod.ts";
import { judged, pluginContext } from "./context.ts";
import {
  type Failure,
  HostMessage,
  InitMessage,
  type PluginMessage,
} from "./control.ts";
import { explainDenial } from "./explain_denial.ts";
import { FatalError } from "./plugin.ts";
import { pluginLog } from "./plugin_log.ts";
import { ServiceLink } from "./service_link.ts";

// Once, and before any code of the plugin: a message that it makes up itself comes too late.
self.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  void bootstrap(v.parse(InitMessage, event.data));
}, { once: true });

async function bootstrap(init: InitMessage): Promise<void> {
  const { name } = init;
  const dn = `root.${name}`;
  const control = messagePortTransport(init.port);
  const send = (message: PluginMessage) => control.send(message);
  const logger = pluginLog(dn, send);
  const log = logger(dn);
  redirectConsole(log);
  const services = new ServiceLink({
    plugin: name,
    provides: init.provides,
    log,
    send,
  });

  let failed = false;
  /** Tells the host, which cancels what is left. The first error is the reason, others may follow from it. */
  function fail(error: unknown): void {
    const explained = explainDenial(name, error);
    if (failed) log.debug("Failed again", { error: explained });
    else send({ kind: "failed", failure: failureOf(explained) });
    failed = true;
  }
  watchThread(fail);
  armFailpoints(init.failpoint, (point) => log.info(`Failpoint "${point}"`));

  let tree: Supervisor | undefined;
  async function cancel(): Promise<void> {
    const reason = new CanceledError(`Plugin "${name}" is canceled`);
    services.cancel(reason);
    let ended = tree === undefined;
    void tree?.finished.then(() => ended = true);
    await tree?.cancel(reason);
    send({ kind: ended ? "ended" : "overdue" });
  }

  const plugin = Promise.withResolvers<LoadedPlugin>();
  control.onMessage((message) => {
    const told = v.parse(HostMessage, message);
    switch (told.kind) {
      case "start":
        tree = supervise(judged(root, judge), {
          name: dn,
          gracePeriod: init.gracePeriod,
          log: logger,
          onChange: (change) => send({ kind: "runnable", change }),
        });
        break;
      case "cancel":
        void cancel();
        break;
      case "ping":
        send({ kind: "pong" });
        break;
      default:
        services.receive(told);
    }
  });

  async function root(ctx: Context): Promise<void> {
    const { declared, config } = await plugin.promise;
    let done = false;
    await declared.run(pluginContext(ctx, {
      node: init.node,
      config,
      services,
      onDone: () => done = true,
      onReadiness: (reason) =>
        send(
          reason === undefined
            ? { kind: "ready" }
            : { kind: "unready", reason },
        ),
    }));
    if (!done && !ctx.signal.aborted) throw new UnexpectedReturnError(dn);
  }

  /** Decides what a runnable dies of, and whether here: the host restarts the plugin as a whole. */
  async function judge(error: unknown, ctx: Context): Promise<void> {
    const forHost = ctx.dn === dn || error instanceof FatalError;
    if (ctx.signal.aborted || !forHost) throw explainDenial(name, error);
    fail(error);
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve, { once: true })
    );
  }

  try {
    plugin.resolve(await load(init));
    send({ kind: "loaded" });
  } catch (error) {
    fail(error);
  }
}

/** A plugin whose config fits. */
interface LoadedPlugin {
  readonly declared: Plugin;
  readonly config: unknown;
}

async function load({ name, module, config }: InitMessage) {
  const { default: declared }: { default?: unknown } = await import(module);
  if (!isPlugin(declared)) {
    throw new FatalError(
      `Plugin "${name}" has no default export made by definePlugin(): correct ${module}`,
    );
  }
  const parsed = parseValue(declared.config ?? v.undefined(), config);
  if (!parsed.success) {
    throw new FatalError(
      `Plugin "${name}" cannot take its config (${
        inputProblem(parsed.issues)
      }): correct plugins.${name} in the node's config file`,
    );
  }
  return { declared, config: parsed.output };
}

function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null &&
    "run" in value && typeof value.run === "function" &&
    (!("config" in value) || value.config === undefined ||
      isSchema(value.config));
}

/** A plugin may bring a valibot of its own, so the class or module that a schema is from says nothing. */
function isSchema(value: unknown): value is v.GenericSchema {
  return typeof value === "object" && value !== null &&
    "kind" in value && value.kind === "schema" &&
    "async" in value && value.async === false;
}

/** Reports whatever ends a thread, so that none ends unnoticed: its host is not told otherwise. */
function watchThread(fail: (error: unknown) => void): void {
  self.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error ?? new Error(event.message));
  });
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  function exit(): never {
    const error = new Error("The plugin wanted to end its thread");
    fail(error);
    throw error;
  }
  self.close = exit;
  // `process.exit` of `node:process` ends here too.
  Object.defineProperty(Deno, "exit", { value: exit });
}

/** What a library says to the console is what the plugin says: the terminal is the node's. */
function redirectConsole(log: Logger): void {
  const methods = {
    debug: log.debug,
    log: log.info,
    info: log.info,
    warn: log.warn,
    error: log.error,
  };
  for (const [name, say] of Object.entries(methods)) {
    const value = (...parts: unknown[]) => say(format(...parts));
    Object.defineProperty(console, name, { value });
  }
}

function failureOf(error: unknown): Failure {
  const fatal = error instanceof FatalError;
  if (!(error instanceof Error)) {
    return { name: "Error", message: describeError(error), fatal };
  }
  const { name, stack } = error;
  // Deno colors what it says of modules.
  const message = stripVTControlCharacters(error.message);
  return { name, message, ...(stack !== undefined && { stack }), fatal };
}
