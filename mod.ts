/**
 * Hamlet's public API: what a plugin imports as `hamlet`, and how a program embeds the runtime.
 *
 * A plugin is what {@linkcode definePlugin} declares; its {@linkcode PluginContext} is all it is
 * given. The services of others it knows by their contracts, such as {@linkcode kv} and
 * {@linkcode network}, its own it declares with {@linkcode defineService}. What it may touch and use
 * is said in the manifest; docs/plugins.md has both. A program that embeds a whole node calls
 * {@linkcode startNode}.
 *
 * @example A plugin that logs every change below a prefix
 * ```ts
 * import { definePlugin, kv } from "hamlet";
 *
 * export default definePlugin({
 *   async run(ctx) {
 *     const store = await ctx.use(kv);
 *     ctx.healthy();
 *     for await (const change of store.watch({ prefix: "/motd/" }, ctx)) {
 *       ctx.log.info(`Revision ${change.revision}`, { kind: change.kind });
 *       ctx.ready();
 *     }
 *   },
 * });
 * ```
 *
 * @module
 */
export * as v from "valibot";
export * from "./runtime/atomic_file.ts";
export { failpoint } from "./runtime/failpoint.ts";
export { ifThere } from "./runtime/if_there.ts";
export type { LogLevels } from "./runtime/log/level.ts";
export type { Logger, LogLevel } from "./runtime/log/logger.ts";
export type { Node } from "./runtime/node/running_node.ts";
export type { NodeSettings } from "./runtime/node/settings.ts";
export type { NodeStatus } from "./runtime/status.ts";
export * from "./runtime/pki/revocation_list.ts";
export { deferGoaway } from "./runtime/plugin/defer_goaway.ts";
export * from "./runtime/plugin/plugin.ts";
export * from "./runtime/service/contract.ts";
export * from "./runtime/service/errors.ts";
export { Latest } from "./runtime/service/latest.ts";
export * from "./runtime/services/mod.ts";
export { startNode } from "./runtime/start_node.ts";
export type {
  Context,
  Runnable,
  RunnableState,
} from "./runtime/supervisor/mod.ts";
