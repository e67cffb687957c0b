import { resolve } from "node:path";
import type { PluginDescription } from "../admin/target.ts";
import { choosePlugins } from "./choose_plugins.ts";
import { readConfig } from "./config.ts";
import { effectiveSettings } from "./effective_settings.ts";
import { resolveFolders } from "./folders.ts";
import { manifestPath } from "./manifest_path.ts";
import { type NodeFile, readNodeFile } from "./node_file.ts";
import { resolveGrants } from "./plugin_grants.ts";
import { protectedPaths } from "./protected_paths.ts";
import { readManifest } from "./read_manifest.ts";
import type { NodeSettings } from "./settings.ts";

/** What of a node the grants depend on. */
type KnownOfNode =
  & Pick<NodeFile, "id" | "role" | "peerPort" | "curatorPort">
  & { readonly name?: string | undefined };

/** What a folder without a node in it cannot tell yet. */
const unknown: KnownOfNode = {
  id: "hamlet-unknown",
  name: undefined,
  role: "member",
  peerPort: 7834,
  curatorPort: 7835,
};

/**
 * Says what a node with these settings would let each plugin touch, without one running. Changes nothing.
 *
 * @param settings What the command line says.
 * @returns Every declared plugin.
 * @throws {StartError} If the config file or the manifest cannot be used, or it grants what no plugin may have.
 */
export async function describePlugins(
  settings: NodeSettings,
): Promise<readonly PluginDescription[]> {
  const configPath = resolve(settings.config ?? "/etc/hamlet/config.json");
  const { config } = await readConfig(
    configPath,
    settings.config !== undefined,
  );
  const effective = effectiveSettings(settings, config);
  const manifestFile = manifestPath(settings.manifest);
  const manifest = await readManifest(manifestFile);
  const folders = await resolveFolders(
    settings.dataDir ?? "/var/lib/hamlet",
    settings.runDir ?? "/run/hamlet",
  );
  const node: KnownOfNode = await readNodeFile(folders.data).catch(
    (error: unknown) => {
      if (error instanceof Deno.errors.NotFound) return unknown;
      throw error;
    },
  );
  const { descriptions } = await resolveGrants(
    manifest.plugins,
    choosePlugins(manifest, settings.plugins, node.role),
    {
      ...folders,
      config: configPath,
      node: node.id,
      name: effective.name ?? node.name ?? node.id,
      listen: effective.listen,
      peerPort: effective.peerPort || node.peerPort,
      curatorPort: effective.curatorPort || node.curatorPort,
    },
    protectedPaths(folders, configPath, manifestFile, manifest.plugins),
  );
  return descriptions;
}
