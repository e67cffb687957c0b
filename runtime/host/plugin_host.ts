import { isDeepStrictEqual } from "node:util";
import type { Broker } from "../broker/broker.ts";
import type { LogSink } from "../log/record.ts";
import type { Readiness } from "../status.ts";
import type { Failure } from "../plugin/control.ts";
import { FatalError, type NodeInfo } from "../plugin/plugin.ts";
import {
  type Clock,
  type Context,
  type Runnable,
  type RunnableRemoval,
  type RunnableStatus,
  systemClock,
} from "../supervisor/mod.ts";
import { LoadQueue } from "./load_queue.ts";
import {
  ASK_MS,
  type HostedPlugin,
  PluginWorker,
  type WorkerEnd,
} from "./plugin_worker.ts";
import { within } from "./within.ts";

export type { HostedPlugin } from "./plugin_worker.ts";
export type { PluginPermissions } from "./worker_permissions.ts";

/** Options of {@linkcode hostPlugin}. */
export interface PluginHostOptions {
  readonly broker: Broker;
  readonly node: NodeInfo;
  /** Takes every record of the plugin. */
  readonly log: LogSink;
  /** Milliseconds a canceled plugin has to return. @default 10_000 */
  readonly gracePeriod?: number;
  /** The value of `HAMLET_FAILPOINT`, until the plugin dies of an error; see `armFailpoints`. */
  readonly failpoint?: string | undefined;
  /** Told whenever a plugin's readiness changes. */
  onReadiness(plugin: string, readiness: Readiness): void;
  /**
   * Told of every change below the plugin. The plugin itself, `root.NAME`, is a runnable of the main
   * thread's supervisor and is not told here.
   */
  onStatus(change: RunnableStatus | RunnableRemoval): void;
  /** Told of an error that a restart cannot help; the plugin stays ended. */
  onFatal(plugin: string, error: FatalError): void;
  /** @default the system's clock */
  readonly clock?: Clock;
}

/**
 * Makes the supervised runnable of a plugin: loads it in a Worker once every service it requires is
 * provided, starts it, and ends it in order. It dies when the plugin does.
 *
 * @param plugin The plugin.
 * @param options Where it runs.
 * @returns The runnable, to be run under the plugin's name below `root`.
 * @throws {Error} For an isolation that is not there.
 */
export function hostPlugin(
  plugin: HostedPlugin,
  options: PluginHostOptions,
): Runnable {
  if (plugin.isolation === "process") {
    throw new Error(
      `Plugin "${plugin.name}" cannot run with isolation "process" yet: set plugins.${plugin.name}.isolation to "worker" if you trust its code`,
    );
  }
  const host = new PluginHost(plugin, options);
  return (ctx) => host.run(ctx);
}

/** Of this process, since the plugins of all its hosts share the cores: one for each core of a small machine. */
const loading = new LoadQueue(2);
/** Milliseconds after which a plugin that is not healthy holds up no other. */
const START_MS = 1_000;

/** How a run of the plugin came to its end. */
type Ending =
  | { readonly kind: "canceled" }
  /** A service that it requires has lost its provider. */
  | { readonly kind: "lost"; readonly service: string }
  | { readonly kind: "failed"; readonly failure: Failure };

class PluginHost {
  readonly #plugin: HostedPlugin;
  readonly #options: PluginHostOptions;
  readonly #gracePeriod: number;
  readonly #clock: Clock;
  readonly #required: readonly string[];
  #failpoint: string | undefined;
  #readiness: Readiness | undefined;
  /** Whether it never starts again in this process. */
  #givenUp = false;

  constructor(plugin: HostedPlugin, options: PluginHostOptions) {
    this.#plugin = plugin;
    this.#options = options;
    this.#gracePeriod = options.gracePeriod ?? 10_000;
    this.#clock = options.clock ?? systemClock;
    this.#failpoint = options.failpoint;
    this.#required = Object.entries(plugin.uses)
      .filter(([, use]) => !use.optional)
      .map(([service]) => service);
    this.#reportNotStarted();
  }

  async run(ctx: Context): Promise<void> {
    const canceled = aborted(ctx.signal);
    const onHealth = relayHealth(ctx);
    while (!this.#givenUp) {
      const ending = await this.#runOnce(ctx, canceled, onHealth);
      if (ending.kind === "canceled") return;
      if (ending.kind === "failed") this.#fail(ending.failure);
      if (ending.kind === "lost") {
        ctx.log.info(
          `The provider of service "${ending.service}" is gone: starts again when there is one`,
        );
      }
    }
    await canceled;
  }

  /** Runs the plugin in one Worker, from loading its module to its end. */
  async #runOnce(
    ctx: Context,
    canceled: Promise<void>,
    onHealth: (status: RunnableStatus) => void,
  ): Promise<Ending> {
    const { broker, onStatus } = this.#options;
    await this.#untilProvided(canceled);
    const place = await loading.enter();
    const over = Promise.withResolvers<unknown>();
    void within(this.#clock, START_MS, [over.promise])
      .then(() => place[Symbol.dispose]());
    if (ctx.signal.aborted) {
      over.resolve(undefined);
      return { kind: "canceled" };
    }
    const below = new Set<string>();
    let phase: "loading" | "loaded" | "started" | "ending" = "loading";
    let said: Readiness = { kind: "starting" };
    const silent = `Its thread has not answered for ${
      ASK_MS / 1000
    } s: it is busy, or hangs`;
    const worker = new PluginWorker(this.#plugin, {
      ...this.#options,
      gracePeriod: this.#gracePeriod,
      failpoint: this.#failpoint,
      clock: this.#clock,
      onStatus(change) {
        if (change.dn === ctx.dn) {
          if (!("state" in change)) return;
          if (change.state !== "NEW") over.resolve(undefined);
          onHealth(change);
          return;
        }
        if ("state" in change) below.add(change.dn);
        else below.delete(change.dn);
        onStatus(change);
      },
      onReadiness: (readiness) => {
        if (phase !== "started") return;
        said = readiness;
        this.#report(readiness);
      },
      onAnswering: (answers) => {
        if (phase !== "started") return;
        if (!answers) ctx.log.error(silent);
        this.#report(answers ? said : { kind: "unready", reason: silent });
      },
    });

    const startIfComplete = () => {
      this.#reportNotStarted();
      if (phase !== "loaded" || this.#missing().length > 0) return;
      phase = "started";
      worker.start();
    };
    const lost = Promise.withResolvers<Ending>();
    const unlisten = broker.onProvided((service, provided) => {
      if (!this.#required.includes(service)) return;
      if (phase !== "started") return startIfComplete();
      if (provided) return;
      // Now: next, the broker revokes the connection, of which nothing in the plugin should die.
      worker.cancel();
      lost.resolve({ kind: "lost", service });
    });
    void worker.failed.then(over.resolve);
    void worker.loaded.then(() => {
      if (phase !== "loading") return;
      phase = "loaded";
      startIfComplete();
    });

    const ending = await Promise.race([
      canceled.then((): Ending => ({ kind: "canceled" })),
      lost.promise,
      worker.failed.then((failure): Ending => ({ kind: "failed", failure })),
    ]);
    unlisten();
    if (ending.kind === "canceled") {
      // Canceled with it, or about to be: what needs it may need it to end well.
      await within<unknown>(this.#clock, this.#gracePeriod, [
        worker.dependentsEnded(),
        worker.failed,
      ]);
    }
    phase = "ending";
    over.resolve(undefined);
    this.#reportNotStarted();
    const end = await worker.stop();
    for (const dn of below) onStatus({ dn, removed: true });
    this.#judge(end, ctx);
    return ending;
  }

  /**
   * Waits until every required service is provided. The plugin is not loaded before: what others
   * wait for, such as etcd, then starts without competing with it for the cores.
   */
  async #untilProvided(canceled: Promise<void>): Promise<void> {
    const provided = Promise.withResolvers<void>();
    const look = () => {
      this.#reportNotStarted();
      if (this.#missing().length === 0) provided.resolve();
    };
    const unlisten = this.#options.broker.onProvided(look);
    look();
    await Promise.race([provided.promise, canceled]);
    unlisten();
  }

  /** Says how the Worker ended, where that was not in order. */
  #judge(end: WorkerEnd, { log }: Context): void {
    if (end === "terminated") {
      log.warn(
        `Did not return within ${this.#gracePeriod} ms and was terminated`,
      );
    } else if (end === "hung") {
      const reason =
        "Hangs: its thread does not answer and cannot be ended, so that it starts again only with the node";
      log.error(reason);
      this.#giveUp(reason);
    }
  }

  #fail({ fatal, name, message, stack }: Failure): void {
    if (fatal) {
      this.#giveUp(message);
      this.#options.onFatal(this.#plugin.name, new FatalError(message));
      return;
    }
    if (!this.#givenUp) {
      // Until it is tried again, which may take a minute.
      this.#report({ kind: "unready", reason: `died: ${message}` });
    }
    // It has died there, or will not.
    this.#failpoint = undefined;
    const error = new Error(message);
    error.name = name;
    // Where it was thrown, in the plugin's thread.
    if (stack !== undefined) error.stack = stack;
    throw error;
  }

  #giveUp(reason: string): void {
    this.#givenUp = true;
    this.#report({ kind: "given-up", reason });
  }

  #missing(): string[] {
    return this.#required.filter((name) =>
      !this.#options.broker.provided(name)
    );
  }

  #reportNotStarted(): void {
    const missing = this.#missing();
    this.#report(
      missing.length > 0
        ? { kind: "waiting", for: missing }
        : { kind: "starting" },
    );
  }

  #report(readiness: Readiness): void {
    if (isDeepStrictEqual(readiness, this.#readiness)) return;
    this.#readiness = readiness;
    this.#options.onReadiness(this.#plugin.name, readiness);
  }
}

/** Passes on what the plugin's own runnable signals, once, however often the plugin is started. */
function relayHealth(ctx: Context): (status: RunnableStatus) => void {
  let said: "NEW" | "HEALTHY" | "DONE" = "NEW";
  return ({ state }) => {
    if (state === "HEALTHY" && said === "NEW") {
      said = state;
      ctx.healthy();
    } else if (state === "DONE" && said !== "DONE") {
      said = state;
      ctx.done();
    }
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
