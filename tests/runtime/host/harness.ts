import type { FatalError, NodeInfo } from "../../../mod.ts";
import { Broker } from "../../../runtime/broker/broker.ts";
import {
  type HostedPlugin,
  hostPlugin,
  type PluginHostOptions,
} from "../../../runtime/host/plugin_host.ts";
import type { Logger, LogLevel } from "../../../runtime/log/logger.ts";
import type { LogRecord } from "../../../runtime/log/record.ts";
import type { Readiness } from "../../../runtime/status.ts";
import {
  type RunnableRemoval,
  type RunnableStatus,
  supervise,
  type Supervisor,
} from "../../../runtime/supervisor/mod.ts";
import { remote } from "./fixtures/contract.ts";

/** What a plugin of a test is, beyond its name and module. */
export type PluginParts = Partial<Omit<HostedPlugin, "name" | "module">>;

/** Where the plugins of the tests believe to be. */
export const node: NodeInfo = {
  id: "hamlet-00000000000000000000000000000000",
  name: "test",
  machineId: "00000000000000000000000000000000",
  origin: "new-cluster",
  role: "member",
  folders: { data: "/nonexistent/data", run: "/nonexistent/run" },
  listen: "127.0.0.1",
  peerPort: 7834,
  curatorPort: 7835,
};

const fixtures = new URL("./fixtures/", import.meta.url);
const contract = new URL("contract.ts", fixtures).pathname;

/** Milliseconds after which a test has failed rather than not succeeded yet. */
const DEADLINE_MS = 30_000;

/** Hosts plugins in this process, and remembers what it hears of them. */
export class Harness implements AsyncDisposable {
  readonly logged: LogRecord[] = [];
  readonly readiness = new Map<string, Readiness>();
  /** What became of each runnable, in order: `DN STATE`. */
  readonly states: string[] = [];
  readonly fatal: FatalError[] = [];
  readonly broker = new Broker({ log: (record) => this.#log(record) });
  readonly #options: Partial<PluginHostOptions>;
  readonly #supervisors = new Map<string, Supervisor>();
  readonly #waiting = new Set<() => void>();

  /** @param options What a test wants otherwise. */
  constructor(options: Partial<PluginHostOptions> = {}) {
    this.#options = options;
    this.broker.onProvided(() => this.#wake());
  }

  /** Starts a module of `fixtures/`, or another one, as a plugin. */
  start(name: string, module: string | URL, parts: PluginParts = {}): void {
    const runnable = hostPlugin({
      name,
      module: new URL(module, fixtures),
      provides: [],
      uses: {},
      isolation: "worker",
      config: undefined,
      ...parts,
      permissions: {
        ...parts.permissions,
        read: [contract, ...parts.permissions?.read ?? []],
      },
    }, {
      broker: this.broker,
      node,
      log: (record) => this.#log(record),
      onReadiness: (name, readiness) => {
        this.readiness.set(name, readiness);
        this.#wake();
      },
      onStatus: (change) => this.#change(change),
      onFatal: (_, error) => {
        this.fatal.push(error);
        this.#wake();
      },
      ...this.#options,
    });
    const supervisor = supervise(runnable, {
      // A tree for each, so that a test can end one.
      name: `root.${name}`,
      log: (dn) => this.#logger(dn),
      backoff: { initial: 10, factor: 1 },
      onChange: (change) => this.#change(change),
    });
    this.#supervisors.set(name, supervisor);
  }

  /** Starts a plugin that does what the test says, and returns how to say it. */
  async startRemote(
    name: string,
    parts: PluginParts = {},
  ): Promise<(code: string) => Promise<unknown>> {
    this.start(name, "remote.ts", {
      ...parts,
      provides: [remote(name).name, ...parts.provides ?? []],
    });
    return await this.remote(name);
  }

  /** Waits until a plugin of `startRemote` can be told what to do, also after a restart. */
  async remote(name: string): Promise<(code: string) => Promise<unknown>> {
    await this.until(() => this.broker.provided(remote(name).name));
    const client = await this.broker.client(remote(name), {
      name: "test",
      scope: undefined,
    });
    return (code) => client.run({ code });
  }

  /** Ends a plugin in order. */
  async stop(name: string): Promise<void> {
    await this.#supervisors.get(name)?.cancel();
  }

  /** Waits until what was heard of makes a condition true. */
  async until(condition: () => boolean): Promise<void> {
    const late = Promise.withResolvers<never>();
    const deadline = setTimeout(() => {
      const heard = { states: this.states, logged: this.logged };
      late.reject(new Error(`Waited in vain: ${Deno.inspect(heard)}`));
    }, DEADLINE_MS);
    try {
      while (!condition()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#waiting.add(resolve);
        await Promise.race([promise, late.promise]);
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Waits until a plugin is in a state of readiness. */
  async untilReadiness(name: string, kind: Readiness["kind"]): Promise<void> {
    await this.until(() => this.readiness.get(name)?.kind === kind);
  }

  /** Waits for a message in the log. */
  async untilLogged(message: RegExp): Promise<void> {
    await this.until(() => this.count(message) > 0);
  }

  /** Says how often a message is in the log. */
  count(message: RegExp): number {
    return this.logged.filter((record) => message.test(record.message)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#supervisors.keys()].map((name) => this.stop(name)),
    );
  }

  #log(record: LogRecord): void {
    this.logged.push(record);
    this.#wake();
  }

  #logger(dn: string): Logger {
    const at = (level: LogLevel) => (message: string) =>
      this.#log({ time: Date.now(), level, dn, message });
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warning"),
      error: at("error"),
    };
  }

  #change(change: RunnableStatus | RunnableRemoval): void {
    this.states.push(
      `${change.dn} ${"state" in change ? change.state : "removed"}`,
    );
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
