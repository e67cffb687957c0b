import type { Broker } from "../broker/broker.ts";
import type { Declaration } from "../broker/declaration.ts";
import type { LogSink } from "../log/record.ts";
import type { Readiness } from "../node/status.ts";
import type { NodeInfo } from "../plugin/plugin.ts";
import type {
  Clock,
  Runnable,
  RunnableRemoval,
  RunnableStatus,
} from "../supervisor/mod.ts";

/** The resolved grant of a plugin: exactly what its Worker may touch. */
export interface PluginPermissions {
  readonly read?: readonly string[] | undefined;
  readonly write?: readonly string[] | undefined;
  readonly net?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly sys?: readonly string[] | undefined;
}

/** A plugin of the manifest, with its variables resolved on this node. */
export interface HostedPlugin extends Declaration {
  /** Its module; its default export is the plugin. */
  readonly module: URL;
  readonly permissions: PluginPermissions;
  readonly isolation: "worker" | "process";
  /** Its section of the node's config file; its own schema parses it. */
  readonly config: unknown;
}

/** Options of {@linkcode hostPlugin}. */
export interface PluginHostOptions {
  readonly broker: Broker;
  readonly node: NodeInfo;
  /** Takes every record of the plugin. */
  readonly log: LogSink;
  /** Milliseconds a canceled plugin has to return. @default 10_000 */
  readonly gracePeriod?: number;
  /** The value of `HAMLET_FAILPOINT`; see `armFailpoints`. */
  readonly failpoint?: string | undefined;
  /** Told whenever a plugin's readiness changes. */
  onReadiness(plugin: string, readiness: Readiness): void;
  /**
   * Told of every change below the plugin. The plugin itself, `root.NAME`, is a runnable of the main
   * thread's supervisor and is not told here.
   */
  onStatus(change: RunnableStatus | RunnableRemoval): void;
  /** @default the system's clock */
  readonly clock?: Clock;
}

/**
 * Makes the supervised runnable of a plugin: its Worker, its services, its end.
 *
 * @param plugin The plugin.
 * @param options Where it runs.
 * @returns The runnable, to be run under the plugin's name.
 */
export function hostPlugin(
  _plugin: HostedPlugin,
  _options: PluginHostOptions,
): Runnable {
  throw new Error("Not there yet");
}
