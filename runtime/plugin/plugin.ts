import type * as v from "valibot";
import type { Client, Implementation, Service } from "../service/contract.ts";
import type { Role } from "../services/nodes.ts";
import type { Context } from "../supervisor/mod.ts";

/** What a plugin may know of the node it runs on. */
export interface NodeInfo {
  /** `hamlet-` and the first 16 bytes of the node's Ed25519 public key in hex. */
  readonly id: string;
  /** One DNS label; the node ID unless the operator chose another. */
  readonly name: string;
  /** The 32 hex digits of the node ID, for machine-id(5). */
  readonly machineId: string;
  /**
   * What an empty folder may be filled with: what begins a new cluster, or joins one. On a node that has been ready
   * once in its role, `established`, what is missing is lost, and nothing takes its place.
   */
  readonly origin: "new-cluster" | "join" | "established";
  /** What this node does in its cluster. */
  readonly role: Role;
  /** Absolute paths of the node's folders. */
  readonly folders: { readonly data: string; readonly run: string };
  /** The address to listen on for other nodes. */
  readonly listen: string;
  /** The address others reach this node at, where the operator gave one. */
  readonly advertise?: string;
  /** TCP port of the etcd peers. */
  readonly peerPort: number;
  /** TCP port of the curator. */
  readonly curatorPort: number;
}

/** What a plugin's runnable is given. */
export interface PluginContext<Config = unknown> extends Context {
  /** The node it runs on. */
  readonly node: NodeInfo;
  /** The plugin's section of the node's config file, parsed by its own schema. */
  readonly config: Config;
  /**
   * Waits until a declared service is provided. A required one already is when the runnable starts,
   * and the runnable is canceled when it goes away; an optional one comes and goes, told by
   * `client.gone`.
   *
   * @param service The contract.
   * @returns The service, as far as the manifest's scope reaches.
   * @throws {ServiceError} `not-permitted` where the manifest does not declare the use.
   */
  use<S extends Service>(service: S): Promise<Client<S>>;
  /**
   * Offers a declared service until the runnable ends.
   *
   * @param service The contract.
   * @param implementation What answers each method.
   * @throws {ServiceError} `not-permitted` where the manifest does not declare that it provides it.
   */
  provide<S extends Service>(
    service: S,
    implementation: Implementation<S>,
  ): void;
  /** Says that the plugin does its job now; also after {@linkcode PluginContext.unready}. */
  ready(): void;
  /**
   * Says that the plugin cannot do its job for now; supervision does not restart it for that.
   *
   * @param reason For a person: what it waits for, or what is wrong.
   */
  unready(reason: string): void;
}

/**
 * A restart cannot help: a person has to act, and the message says how, such as "Cannot find etcd:
 * install it or give its path with --etcd". Thrown by a plugin's runnable or by one of its children.
 * The host passes it on instead of starting the plugin again, and the node decides: one that has
 * not been ready yet stops with the message, one that has gives up that plugin alone.
 */
export class FatalError extends Error {
  override readonly name = "FatalError";
}

/** A plugin, the default export of its module. */
export interface Plugin<C extends v.GenericSchema = v.GenericSchema> {
  /** Schema of the plugin's section in the node's config file. */
  readonly config?: C;
  /** The supervised runnable: returns when `ctx.signal` is aborted. */
  run(ctx: PluginContext<v.InferOutput<C>>): Promise<void>;
}

/**
 * Declares a plugin.
 *
 * @param plugin Its config schema and its runnable.
 * @returns The same, typed.
 * @example
 * ```ts
 * import { definePlugin } from "hamlet";
 *
 * export default definePlugin({
 *   async run(ctx) {
 *     ctx.log.info("Hello from {node}", { node: ctx.node.name });
 *     ctx.healthy();
 *     ctx.ready();
 *     await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
 *   },
 * });
 * ```
 */
export function definePlugin<
  C extends v.GenericSchema = v.UndefinedSchema<undefined>,
>(
  plugin: Plugin<C>,
): Plugin<C> {
  return plugin;
}
