import type { LogHistory } from "../log/history.ts";
import type { Logger } from "../log/logger.ts";
import type { NodeStatus } from "../status.ts";
import type { Client, Service } from "../service/contract.ts";

/** What is declared of a plugin, with its variables resolved for this node. */
export interface PluginDescription {
  readonly name: string;
  readonly module: string;
  /** Whether this node runs it; false where its roles or `--plugins` leave it out. */
  readonly loaded: boolean;
  readonly isolation: "worker" | "process";
  readonly roles: readonly string[];
  /** What the Deno runtime lets its Worker touch, by kind of permission. */
  readonly permissions: {
    readonly read: readonly string[];
    readonly write: readonly string[];
    readonly net: readonly string[];
    readonly env: readonly string[];
    readonly sys: readonly string[];
  };
  readonly provides: readonly string[];
  readonly uses: readonly {
    readonly service: string;
    readonly optional: boolean;
    /** The methods it may call; every one where absent. */
    readonly methods?: readonly string[];
    /** The part of the service it may reach, in that service's own words; all of it where absent. */
    readonly scope?: unknown;
  }[];
}

/** What the admin socket serves: a running node, seen from there. */
export interface AdminTarget {
  /** The node's status now. */
  status(): Promise<NodeStatus>;
  /**
   * Tells of every change of the status, without saying which.
   *
   * @param listener Must not throw; called many times in a row while a node starts.
   * @returns Ends it.
   */
  onChange(listener: () => void): () => void;
  /** Every declared plugin, in the manifest's order. */
  plugins(): readonly PluginDescription[];
  /** What was logged lately. */
  readonly logs: LogHistory;
  readonly log: Logger;
  /** Where it goes on record who did what, whatever the log level. */
  readonly audit: Logger;
  /**
   * Waits until a service is provided, to use it as caller `admin`.
   *
   * @param service The contract.
   * @param signal Ends the wait; the promise then rejects with its reason.
   * @returns The service, unscoped.
   */
  use<S extends Service>(service: S, signal: AbortSignal): Promise<Client<S>>;
}
