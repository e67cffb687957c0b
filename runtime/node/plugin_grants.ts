import type { PluginDescription } from "../admin/target.ts";
import type { HostedPlugin } from "../host/plugin_host.ts";
import {
  GrantError,
  type PluginEntry,
  type ProtectedPath,
  resolveGrant,
  type Variables,
} from "../manifest/mod.ts";
import type { Config } from "./config.ts";

/** What the manifest comes to on a node. */
export interface PluginGrants {
  /** The plugins to run. */
  readonly hosted: readonly HostedPlugin[];
  /** Every declared plugin, for those who ask. */
  readonly descriptions: readonly PluginDescription[];
}

/**
 * Resolves what every declared plugin may touch on this node.
 *
 * @param entries Every declared plugin.
 * @param chosen Those that this node loads.
 * @param variables The node's values.
 * @param isProtected What no plugin may be granted.
 * @param sections The plugins' sections of the config file.
 * @returns The plugins.
 * @throws {GrantError} If one that is loaded would be granted what none may have.
 */
export async function resolveGrants(
  entries: readonly PluginEntry[],
  chosen: readonly PluginEntry[],
  variables: Variables,
  isProtected: readonly ProtectedPath[],
  sections: Config["plugins"] = {},
): Promise<PluginGrants> {
  const resolved = await Promise.all(entries.map(async (entry) => {
    const loaded = chosen.includes(entry);
    const grant = await resolveGrant(entry, variables, isProtected).catch(
      (error) => {
        if (loaded || !(error instanceof GrantError)) throw error;
        // What is not loaded is shown as it is declared.
        return entry;
      },
    );
    return { entry, loaded, ...grant };
  }));
  return {
    hosted: resolved.filter(({ loaded }) => loaded).map((
      { entry, permissions, uses },
    ) => ({
      name: entry.name,
      module: entry.module,
      isolation: entry.isolation,
      provides: entry.provides,
      uses,
      permissions,
      config: Object.hasOwn(sections, entry.name)
        ? sections[entry.name]
        : undefined,
    })),
    descriptions: resolved.map(({ entry, loaded, permissions, uses }) => ({
      name: entry.name,
      module: entry.module.href,
      loaded,
      isolation: entry.isolation,
      roles: entry.roles,
      permissions,
      provides: entry.provides,
      uses: Object.entries(uses).map(([service, use]) => ({ service, ...use })),
    })),
  };
}
