import { setTimeout as delay } from "node:timers/promises";
import type * as v from "valibot";
import type { AdminTarget, PluginDescription } from "../admin/target.ts";
import type { Broker } from "../broker/broker.ts";
import { OwnClients } from "../broker/own_clients.ts";
import { type HostedPlugin, hostPlugin } from "../host/plugin_host.ts";
import type { LogHistory } from "../log/history.ts";
import { AUDIT_DN, type Log } from "../log/log.ts";
import type { Logger } from "../log/logger.ts";
import type { NodeInfo } from "../plugin/plugin.ts";
import type { Client, Service } from "../service/contract.ts";
import { cluster } from "../services/cluster.ts";
import { kv, type KvScope } from "../services/kv.ts";
import { network } from "../services/network.ts";
import { nodes, type Role } from "../services/nodes.ts";
import {
  type Runnable,
  type RunnableStatus,
  supervise,
  type Supervisor,
} from "../supervisor/mod.ts";
import type { PluginGrants } from "./plugin_grants.ts";
import type {
  MemberStatus,
  NodeStatus,
  PluginStatus,
  Readiness,
} from "../status.ts";
import type { PluginWarning } from "./choose_plugins.ts";

/** A node that runs in this process. */
export interface Node extends AdminTarget {
  readonly info: NodeInfo;
  /** How it logs, by its settings or its config file. */
  readonly logFormat: "text" | "json";
  /** Resolves once every plugin has been ready at the same time for the first time; never if the node ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the node has ended in order; rejects with what ended it, such as a `FatalError`. */
  readonly finished: Promise<void>;
  /** Ends the node in order, plugins before what they use. A second call waits for the first. */
  stop(): Promise<void>;
}

/** What a {@linkcode RunningNode} is made of. */
export interface RunningNodeOptions {
  readonly info: NodeInfo;
  readonly logFormat: "text" | "json";
  /** The plugins to run, and every declared one. */
  readonly grants: PluginGrants;
  readonly broker: Broker;
  readonly log: Log;
  /** What an operator should know from the start. */
  readonly warnings: readonly string[];
  /** What a plugin may wait for in vain. */
  readonly leftOut: readonly PluginWarning[];
  /** The value of `HAMLET_FAILPOINT`. */
  readonly failpoint: string | undefined;
  /** Told once, when every plugin is ready for the first time and one of them keeps data. */
  onReady(): Promise<void>;
  /**
   * Gives back what the node holds, once every plugin has ended.
   *
   * @param undo Whether the start failed before any plugin that keeps data had been ready.
   */
  onEnd(undo: boolean): Promise<void>;
}

/** Milliseconds that `status` waits for what only a plugin knows. */
const STATUS_MS = 1000;
/** The same for one that says that it cannot do its job: it answers at once, as a learner does, or not at all. */
const UNREADY_STATUS_MS = 250;
/** Milliseconds until the log names what does not end: a plugin waits for those that use it, and etcd has 9 s. */
const GRACE_MS = 30_000;

/** A person's reach: every key, any number of them. */
const everyKey: v.InferInput<typeof KvScope> = {
  keys: [""],
  quota: Number.MAX_SAFE_INTEGER,
};

/** A plugin that was started. */
interface StartedPlugin {
  readonly keepsData: boolean;
  /** Its tree: each plugin starts and ends by itself. */
  readonly supervisor: Supervisor;
}

/** Runs the plugins of a node, and knows how they are. */
export class RunningNode implements Node {
  readonly logFormat: "text" | "json";
  readonly log: Logger;
  readonly audit: Logger;
  readonly logs: LogHistory;
  readonly ready: Promise<void>;
  readonly finished: Promise<void>;

  readonly #options: RunningNodeOptions;
  readonly #ready = Promise.withResolvers<void>();
  readonly #finished = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  /** Services for the person at the admin socket, and for the node itself. */
  readonly #admin: OwnClients;
  readonly #own: OwnClients;
  readonly #readiness = new Map<string, Readiness>();
  readonly #started = new Map<string, StartedPlugin>();
  /** What runs below the plugins, by DN. */
  readonly #below = new Map<string, RunnableStatus>();
  readonly #listeners = new Set<() => void>();
  #info: NodeInfo;
  #grants: PluginGrants;
  #since = Date.now();
  /** Why the cluster has removed the node. */
  #removed: string | undefined;
  #wasReady = false;
  /** Resolves when what the first readiness is remembered by has been written. */
  #remembered = Promise.resolve();
  #untouched = true;
  #address: string | undefined;

  /** @param options See {@linkcode RunningNodeOptions}. */
  constructor(options: RunningNodeOptions) {
    this.#options = options;
    this.#info = options.info;
    this.#grants = options.grants;
    this.logFormat = options.logFormat;
    this.log = options.log.logger("root");
    this.audit = options.log.logger(AUDIT_DN);
    this.logs = options.log.history;
    this.ready = this.#ready.promise;
    this.finished = this.#finished.promise;
    // Whoever does not wait for the end has read in the log what it was.
    this.finished.catch(() => {});
    const { broker } = options;
    const { signal } = this.#ending;
    this.#admin = new OwnClients({
      broker,
      name: "admin",
      scope: (service) => service === kv.name ? everyKey : undefined,
      signal,
    });
    this.#own = new OwnClients({
      broker,
      name: "runtime",
      scope: () => undefined,
      signal,
    });
    for (const { name } of options.grants.hosted) {
      this.#readiness.set(name, { kind: "starting" });
    }
  }

  /** Who the node is now. */
  get info(): NodeInfo {
    return this.#info;
  }

  /** Starts the plugins. */
  start(): void {
    this.#since = Date.now();
    for (const plugin of this.#grants.hosted) this.#start(plugin);
    void this.#followAddress();
  }

  /** Keeps what the node has on disk from now on, also if its start fails. */
  keep(): void {
    this.#untouched = false;
  }

  /**
   * Ends the plugins that a role has no use for, and starts those that it wants. Of the others, those that deal with
   * the node's place in the cluster start anew, since that is another one; the rest just goes on.
   *
   * @param role The role.
   * @param grants The plugins of the role.
   * @param between Called when the first have ended and before the others start.
   */
  async setRole(
    role: Role,
    grants: PluginGrants,
    between: () => Promise<void>,
  ): Promise<void> {
    const stays = new Set(
      grants.hosted.filter(({ uses }) => !Object.hasOwn(uses, "node")).map((
        { name },
      ) => name),
    );
    const over = () =>
      this.#ending.signal.aborted || this.#removed !== undefined;
    await this.#stop((name) => !stays.has(name));
    // What is left to do then, the next start does.
    if (over()) return;
    await between();
    if (over()) return;
    this.#info = { ...this.#info, role, origin: "join" };
    this.#grants = grants;
    for (const plugin of grants.hosted) {
      if (!this.#started.has(plugin.name)) this.#start(plugin);
    }
    this.#changed();
  }

  /**
   * Ends what keeps data, and what cannot be without that, since the cluster has removed the node; the rest stays to
   * say so.
   *
   * @param reason Why.
   */
  async setRemoved(reason: string): Promise<void> {
    this.#removed = reason;
    this.#changed();
    const ending = new Set(
      this.#started.entries().filter(([, { keepsData }]) => keepsData)
        .map(([name]) => name),
    );
    // Each would wait for the end of those, and those of these: what is added on the way has its turn too.
    for (const name of ending) {
      for (const dependent of this.#dependentsOf(name)) ending.add(dependent);
    }
    await this.#stop((name) => ending.has(name));
  }

  /** The plugins that cannot be without what one provides. */
  #dependentsOf(provider: string): string[] {
    const { hosted } = this.#grants;
    const gone = hosted.find(({ name }) => name === provider)?.provides ?? [];
    return hosted.filter(({ uses }) =>
      gone.some((service) =>
        Object.hasOwn(uses, service) && !uses[service]?.optional
      )
    ).map(({ name }) => name);
  }

  async status(): Promise<NodeStatus> {
    const { id, name, machineId, role } = this.#info;
    const running: RunnableStatus[] = [
      { dn: "root", state: "HEALTHY", restarts: 0, since: this.#since },
      ...[...this.#started.values()].flatMap(({ supervisor }) =>
        supervisor.status()
      ),
      ...this.#below.values(),
    ];
    const { members, warnings } = await this.#clusterStatus();
    return {
      ready: this.#isReady(),
      node: {
        id,
        name,
        machineId,
        role,
        ...(this.#address === undefined ? {} : { address: this.#address }),
      },
      plugins: [...this.#readiness].map(([name, readiness]): PluginStatus => ({
        name,
        state: readiness.kind,
        ...reasonOf(readiness),
        restarts: running.find(({ dn }) => dn === `root.${name}`)?.restarts ??
          0,
      })),
      runnables: inTreeOrder(running).map((
        { dn, state, restarts, since },
      ) => ({ dn, state, restarts, since })),
      members,
      warnings: [
        ...this.#ending.signal.aborted ? ["This node is ending"] : [],
        ...this.#removed === undefined ? [] : [
          `The cluster has removed this node (${this.#removed}); to use the machine again, stop Hamlet, empty the data ` +
          "folder with `hamlet reset`, and join the cluster with a new invitation",
        ],
        ...this.#options.warnings,
        ...this.#options.leftOut
          .filter(({ plugin }) => this.#readiness.get(plugin)?.kind !== "ready")
          .map(({ warning }) => warning),
        ...warnings,
      ],
    };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  plugins(): readonly PluginDescription[] {
    return this.#grants.descriptions;
  }

  async use<S extends Service>(
    service: S,
    signal: AbortSignal,
  ): Promise<Client<S>> {
    return await this.#admin.use(service, signal);
  }

  async stop(): Promise<void> {
    await this.#end();
    await this.finished;
  }

  #start(plugin: HostedPlugin): void {
    const { log } = this.#options;
    const keepsData =
      plugin.permissions.write?.some((path) =>
        path.startsWith(`${this.#info.folders.data}/`)
      ) ?? false;
    this.#readiness.set(plugin.name, { kind: "starting" });
    const supervisor = supervise(this.#host(plugin, keepsData), {
      name: `root.${plugin.name}`,
      log: (dn) => log.logger(dn),
      gracePeriod: GRACE_MS,
      onChange: () => this.#changed(),
    });
    this.#started.set(plugin.name, { keepsData, supervisor });
  }

  /** Ends plugins, each after those that cannot be without it, and forgets them. */
  async #stop(which: (name: string) => boolean): Promise<void> {
    const ending = [...this.#started].filter(([name]) => which(name));
    await Promise.all(ending.map(([, { supervisor }]) => supervisor.cancel()));
    for (const [name] of ending) {
      this.#started.delete(name);
      this.#readiness.delete(name);
    }
    this.#changed();
  }

  #host(plugin: HostedPlugin, keepsData: boolean): Runnable {
    const { broker, log, failpoint } = this.#options;
    const info = () => this.#info;
    return hostPlugin(plugin, {
      broker,
      // As it is whenever the plugin is started anew.
      get node() {
        return info();
      },
      log: log.sink,
      failpoint,
      onReadiness: (name, readiness) => {
        if (keepsData && readiness.kind === "ready") this.#untouched = false;
        this.#setReadiness(name, readiness);
      },
      onStatus: (change) => {
        if ("removed" in change) this.#below.delete(change.dn);
        else this.#below.set(change.dn, change);
        this.#changed();
      },
      onFatal: (name, error) => {
        log.logger(`root.${name}`).error(error.message);
        // A node that works goes on without this plugin; one that is being started is not left half done.
        if (!this.#wasReady) void this.#end(error);
      },
    });
  }

  #setReadiness(plugin: string, readiness: Readiness): void {
    // Of a node that ends, it is only to be told why.
    if (this.#ending.signal.aborted) return;
    this.#readiness.set(plugin, readiness);
    if (!this.#wasReady && this.#isReady()) {
      this.#wasReady = true;
      this.#remembered = this.#remember().then(() => this.#ready.resolve());
    }
    this.#changed();
  }

  async #remember(): Promise<void> {
    if (this.#untouched) return;
    try {
      await this.#options.onReady();
    } catch (error) {
      this.log.error("Cannot remember that the node has been ready", { error });
    }
  }

  #isReady(): boolean {
    return !this.#ending.signal.aborted && this.#removed === undefined &&
      [...this.#readiness.values()].every(({ kind }) => kind === "ready");
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #end(error?: unknown): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(new DOMException("The node is stopping", "AbortError"));
    this.#changed();
    try {
      await Promise.all(
        [...this.#started.values()].map(({ supervisor }) =>
          supervisor.cancel()
        ),
      );
      await this.#remembered;
      await this.#options.onEnd(error !== undefined && this.#untouched);
    } catch (failure) {
      this.#finished.reject(error ?? failure);
    }
    if (error === undefined) this.#finished.resolve();
    else this.#finished.reject(error);
  }

  /** Keeps the node's address, which `network` alone knows. */
  async #followAddress(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const client = await this.#own.use(network, signal);
        for await (const { addresses } of client.watch({}, { signal })) {
          this.#address = addresses[0];
          this.#changed();
        }
      } catch {
        // The provider is gone or unwell, which is in the log: what it said last holds until it says more.
        await delay(STATUS_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** What etcd knows, as far as it answers at once. */
  async #clusterStatus(): Promise<Pick<NodeStatus, "members" | "warnings">> {
    const { broker } = this.#options;
    const { descriptions } = this.#grants;
    // What else is wrong with a cluster that this node is no part of is nothing for who reads its status.
    const asked = this.#removed === undefined && broker.provided(cluster.name);
    if (!asked) return { members: [], warnings: [] };
    const provider = descriptions.find(({ loaded, provides }) =>
      loaded && provides.includes(cluster.name)
    );
    const readiness = provider && this.#readiness.get(provider.name);
    const signal = AbortSignal.any([
      this.#ending.signal,
      AbortSignal.timeout(
        readiness?.kind === "ready" ? STATUS_MS : UNREADY_STATUS_MS,
      ),
    ]);
    try {
      const client = await this.#own.use(cluster, signal);
      const [names, { members: found }, { warning, alarms }] = await Promise
        .all([
          this.#nodeNames(signal).catch(() => new Map<string, string>()),
          client.members({}, { signal }),
          // Before there is a leader, etcd says nothing of itself.
          client.status({}, { signal }).catch(() => unknownStatus),
        ]);
      const members = found.map((member): MemberStatus => {
        const nodeName = names.get(member.name);
        return { ...member, ...nodeName !== undefined && { nodeName } };
      });
      return {
        members,
        warnings: [
          ...memberWarnings(members),
          ...(warning === undefined ? [] : [warning]),
          ...alarms.map(({ kind, memberId }) =>
            `etcd has raised the alarm "${kind}" at member ${memberId}`
          ),
        ],
      };
    } catch {
      return { members: [], warnings: [] };
    }
  }

  /** What the nodes are called, by their IDs: people know them by that. */
  async #nodeNames(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    if (!this.#options.broker.provided(nodes.name)) return new Map();
    const client = await this.#own.use(nodes, signal);
    for await (const { nodes: all } of client.watch({}, { signal })) {
      return new Map(all.map(({ id, name }) => [id, name]));
    }
    return new Map();
  }
}

const unknownStatus = { warning: undefined, alarms: [] };

/** What of the members is not as it should be. */
function memberWarnings(members: readonly MemberStatus[]): string[] {
  const voters = members.filter(({ learner }) => !learner);
  const lost = members.filter(({ reachable }) => !reachable)
    .map(({ nodeName, name, id }) => nodeName ?? (name || id)).sort();
  return [
    ...voters.length === 2
      ? [
        "The cluster has two members: without either of them the other has no majority; invite a third",
      ]
      : [],
    ...lost.length > 0 ? [`This node does not reach ${lost.join(", ")}`] : [],
    ...members.some(({ leader }) => leader) ? [] : [
      "The members have no leader: the store takes no writes until a majority of them is back",
    ],
  ];
}

function reasonOf(readiness: Readiness): { reason?: string } {
  switch (readiness.kind) {
    case "waiting":
      return { reason: `waits for ${readiness.for.join(", ")}` };
    case "unready":
    case "given-up":
      return { reason: readiness.reason };
    default:
      return {};
  }
}

/** Every runnable after its parent, siblings in the order in which they came; at one look at each. */
function inTreeOrder(runnables: readonly RunnableStatus[]): RunnableStatus[] {
  const below = Map.groupBy(
    runnables,
    ({ dn }) => dn.slice(0, Math.max(0, dn.lastIndexOf("."))),
  );
  const ordered: RunnableStatus[] = [];
  const next = (below.get("") ?? []).toReversed();
  for (let runnable = next.pop(); runnable; runnable = next.pop()) {
    ordered.push(runnable);
    const children = below.get(runnable.dn) ?? [];
    for (const child of children.toReversed()) next.push(child);
  }
  return ordered;
}
