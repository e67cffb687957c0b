import * as v from "valibot";
import type { Broker, Session } from "../broker/broker.ts";
import type { Declaration } from "../broker/declaration.ts";
import {
  type MessagePortTransport,
  messagePortTransport,
} from "../broker/message_port_transport.ts";
import type { LogSink } from "../log/record.ts";
import {
  type Failure,
  type HostMessage,
  type InitMessage,
  PluginMessage,
} from "../plugin/control.ts";
import type { Readiness } from "../status.ts";
import type { NodeInfo } from "../plugin/plugin.ts";
import { ServiceError } from "../service/errors.ts";
import type {
  Clock,
  RunnableRemoval,
  RunnableStatus,
  TimerHandle,
} from "../supervisor/mod.ts";
import { within } from "./within.ts";
import {
  type PluginPermissions,
  workerPermissions,
} from "./worker_permissions.ts";

/** A plugin of the manifest, with its variables resolved on this node. */
export interface HostedPlugin extends Declaration {
  /** Its module; its default export is the plugin. */
  readonly module: URL;
  readonly permissions: PluginPermissions;
  readonly isolation: "worker" | "process";
  /** Its section of the node's config file; its own schema parses it. */
  readonly config: unknown;
}

/** Options of {@linkcode PluginWorker}. */
export interface PluginWorkerOptions {
  readonly broker: Broker;
  readonly node: NodeInfo;
  readonly log: LogSink;
  /** Milliseconds a canceled plugin has to return. */
  readonly gracePeriod: number;
  readonly failpoint: string | undefined;
  readonly clock: Clock;
  /** Told of every change of the plugin's runnables, itself included. */
  onStatus(change: RunnableStatus | RunnableRemoval): void;
  /** Told what the plugin says of itself. */
  onReadiness(readiness: Readiness & { kind: "ready" | "unready" }): void;
  /** Told when its event loop has not turned for {@linkcode ASK_MS}, and when it does again. */
  onAnswering(answers: boolean): void;
}

/**
 * How a Worker ended: `ended` when every runnable had returned, `terminated` when some had not, and
 * `hung` when its event loop does not turn any more, so that it cannot be ended at all.
 */
export type WorkerEnd = "ended" | "terminated" | "hung";

/** Milliseconds in which an event loop that turns answers, on a machine that is busy. */
const ANSWER_MS = 2_000;
/** Milliseconds between two questions whether a plugin's event loop turns. */
export const ASK_MS = 10_000;

/** One run of a plugin in a Worker, from loading its module to its end. */
export class PluginWorker {
  /** Resolves when the module is there. */
  readonly loaded: Promise<void>;
  /** Resolves with what the plugin died of; it is still to be stopped. */
  readonly failed: Promise<Failure>;
  readonly #plugin: HostedPlugin;
  readonly #options: PluginWorkerOptions;
  readonly #worker: Worker;
  readonly #control: MessagePortTransport;
  readonly #session: Session;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<Failure>();
  readonly #dead = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<WorkerEnd>();
  readonly #ended = new AbortController();
  #canceled = false;
  /** Resolves when the last question has been answered. */
  #pong = Promise.withResolvers<void>();
  #asking: "answered" | "asked" | "overdue" = "answered";
  #nextQuestion: TimerHandle | undefined;

  constructor(plugin: HostedPlugin, options: PluginWorkerOptions) {
    this.loaded = this.#loaded.promise;
    this.failed = this.#failed.promise;
    this.#plugin = plugin;
    this.#options = options;
    this.#session = options.broker.join(plugin, {
      serve: ({ id, port, service, user }) =>
        this.#send({ kind: "serve", connection: id, service, user, port }),
      revoke: (connection) => this.#send({ kind: "revoke", connection }),
    });
    this.#worker = new Worker(
      new URL("../plugin/bootstrap.ts", import.meta.url),
      {
        type: "module",
        name: plugin.name,
        deno: {
          permissions: workerPermissions(plugin.module, plugin.permissions),
        },
      },
    );
    this.#worker.addEventListener("error", (event) => {
      // Else it would be the death of this thread too.
      event.preventDefault();
      this.#fail(new Error(event.message));
      this.#dead.resolve();
    });
    const { port1, port2 } = new MessageChannel();
    // A plugin that forges a list could have this thread do at once what it has sent once.
    this.#control = messagePortTransport(port1, 1);
    this.#control.onClose(() => {
      this.#fail(new Error("The plugin's line to the host is cut"));
      // Nobody can tell any more whether its thread ends.
      this.#stopped.resolve("hung");
    });
    this.#control.onMessage((message) => this.#receive(message));
    const init: InitMessage = {
      name: plugin.name,
      module: plugin.module.href,
      node: options.node,
      config: plugin.config,
      provides: plugin.provides,
      gracePeriod: options.gracePeriod,
      failpoint: options.failpoint,
      port: port2,
    };
    this.#worker.postMessage(init, [port2]);
  }

  /** Runs the plugin; its module must be loaded. */
  start(): void {
    this.#send({ kind: "start" });
    this.#askRegularly();
  }

  /** Cancels the plugin at once; it is still to be stopped. */
  cancel(): void {
    if (!this.#canceled) this.#send({ kind: "cancel" });
    this.#canceled = true;
  }

  /** Resolves when no plugin is left that cannot be without what this one provides. */
  dependentsEnded(): Promise<void> {
    return this.#session.dependentsEnded();
  }

  /**
   * Ends the run in order: cancels it, waits until it has returned, ends the Worker, takes its
   * connections back.
   *
   * @returns How it went, when also nothing of it runs in this thread any more.
   */
  async stop(): Promise<WorkerEnd> {
    if (this.#nextQuestion !== undefined) {
      this.#options.clock.clearTimeout(this.#nextQuestion);
    }
    const end = await this.#end();
    this.#ended.abort();
    this.#worker.terminate();
    this.#control.close();
    await this.#session.end();
    return end;
  }

  async #end(): Promise<WorkerEnd> {
    const { clock, gracePeriod } = this.#options;
    const dead = this.#dead.promise.then((): WorkerEnd => "ended");
    this.cancel();
    // The Worker itself tells when the grace period is over, if it still can.
    const end = await within(
      clock,
      gracePeriod + ANSWER_MS,
      [this.#stopped.promise, dead],
    );
    if (end !== undefined) return end;
    this.#ask();
    const pong = this.#pong.promise.then((): WorkerEnd => "terminated");
    return await within(clock, ANSWER_MS, [pong, dead]) ?? "hung";
  }

  /** A thread that spins looks as well as before: only that it does not answer tells it apart. */
  #askRegularly(): void {
    const { clock, onAnswering } = this.#options;
    this.#nextQuestion = clock.setTimeout(() => {
      if (this.#asking === "asked") {
        this.#asking = "overdue";
        onAnswering(false);
      }
      if (this.#asking === "answered") this.#ask();
      this.#askRegularly();
    }, ASK_MS);
  }

  #ask(): void {
    this.#asking = "asked";
    this.#pong = Promise.withResolvers();
    this.#send({ kind: "ping" });
  }

  #answered(): void {
    const wasOverdue = this.#asking === "overdue";
    this.#asking = "answered";
    this.#pong.resolve();
    if (wasOverdue) this.#options.onAnswering(true);
  }

  #send(message: HostMessage): void {
    this.#control.send(message, "port" in message ? [message.port] : []);
  }

  #receive(message: unknown): void {
    const parsed = v.safeParse(PluginMessage, message);
    if (!parsed.success) {
      this.#fail(new Error("The plugin told the host what no plugin tells"));
      return;
    }
    const told = parsed.output;
    switch (told.kind) {
      case "loaded":
        this.#loaded.resolve();
        break;
      case "failed":
        this.#failed.resolve(told.failure);
        break;
      case "ended":
        this.#stopped.resolve("ended");
        break;
      case "overdue":
        this.#stopped.resolve("terminated");
        break;
      case "pong":
        this.#answered();
        break;
      case "log":
        if (this.#owns(told.record.dn)) this.#options.log(told.record);
        break;
      case "runnable":
        if (this.#owns(told.change.dn)) this.#options.onStatus(told.change);
        break;
      case "ready":
        this.#options.onReadiness({ kind: "ready" });
        break;
      case "unready":
        this.#options.onReadiness({ kind: "unready", reason: told.reason });
        break;
      case "use":
        void this.#use(told.request, told.service);
        break;
      case "provide":
        this.#provide(told.service);
        break;
    }
  }

  async #use(request: number, service: string): Promise<void> {
    try {
      const { id, port } = await this.#session.use(service, this.#ended.signal);
      this.#send({ kind: "connected", request, connection: id, port });
    } catch (error) {
      if (!(error instanceof ServiceError)) return this.#fail(error);
      const { code, message } = error;
      this.#send({ kind: "refused", request, code, message });
    }
  }

  #provide(service: string): void {
    try {
      this.#session.provide(service);
    } catch (error) {
      this.#fail(error);
    }
  }

  #owns(dn: string): boolean {
    const own = `root.${this.#plugin.name}`;
    if (dn === own || dn.startsWith(`${own}.`)) return true;
    this.#fail(new Error(`The plugin spoke for "${dn}", which it is not`));
    return false;
  }

  #fail(error: unknown): void {
    const { name, message } = error instanceof Error
      ? error
      : new Error(String(error));
    this.#failed.resolve({ name, message, fatal: false });
  }
}
