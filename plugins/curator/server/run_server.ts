import { once } from "node:events";
import type { Context, PluginContext } from "hamlet";
import type { CuratorConfig } from "../mod.ts";

/**
 * Serves the cluster's API on a member.
 *
 * @param ctx The runnable.
 * @param plugin The plugin, for its services.
 */
export async function runServer(
  ctx: Context,
  _plugin: PluginContext<CuratorConfig>,
): Promise<void> {
  ctx.healthy();
  if (!ctx.signal.aborted) await once(ctx.signal, "abort");
}
