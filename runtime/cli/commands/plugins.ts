import { NoNodeError } from "../../admin/errors.ts";
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
  using client = openClient(settings);
  const found = await client.plugins().catch(async (error: unknown) => {
    if (!(error instanceof NoNodeError)) throw error;
    const { describePlugins } = await import("../../node/describe_plugins.ts");
    return await describePlugins(settings);
  });
  this.process.stdout.write(
    json
      ? `${JSON.stringify(found)}\n`
      : pluginsText(found, wantsColor(Deno.stdout)),
  );
}
