import { NoNodeError } from "../../admin/errors.ts";
import type { PluginDescription } from "../../admin/target.ts";
import { wantsColor } from "../../log/color.ts";
import type { CliContext } from "../context.ts";
import type { JsonFlag, NodeFlags } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { pluginsText } from "../plugins_text.ts";

/** Flags of the command. */
type PluginsFlags =
  & JsonFlag
  & Pick<NodeFlags, "dataDir" | "runDir" | "config" | "manifest">;

/** Shows the plugins, and what each may touch on this node. */
export default async function plugins(
  this: CliContext,
  { json, ...settings }: PluginsFlags,
): Promise<void> {
  const found = await ask(settings) ?? await describe(settings);
  this.process.stdout.write(
    json
      ? `${JSON.stringify(found)}\n`
      : pluginsText(found, wantsColor(Deno.stdout)),
  );
}

/** What the running node says; undefined where there is none, or another one is meant. */
async function ask(
  { runDir, ...others }: Omit<PluginsFlags, "json">,
): Promise<readonly PluginDescription[] | undefined> {
  const said = Object.values(others).some((value) => value !== undefined);
  if (runDir === undefined && said) return undefined;
  using client = openClient(runDir === undefined ? {} : { runDir });
  try {
    return await client.plugins();
  } catch (error) {
    if (error instanceof NoNodeError) return undefined;
    throw error;
  }
}

/** What one with these settings would grant. */
async function describe(
  settings: Omit<PluginsFlags, "json">,
): Promise<readonly PluginDescription[]> {
  // Only here: it takes the whole of what a node is made of.
  const { describePlugins } = await import("../../node/describe_plugins.ts");
  return await describePlugins(settings);
}
