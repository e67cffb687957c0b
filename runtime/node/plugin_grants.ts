import type { PluginDescription } from "../admin/target.ts";
import type { HostedPlugin } from "../host/plugin_host.ts";
import {
  GrantError,
  PathGuard,
  type PluginEntry,
  type ProtectedPath,
  resolveGrant,
  type Variables,
} from "../manifest/mod.ts";
import type { Config } from "./config.ts";
import { StartError } from "./errors.ts";

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
 * @throws {StartError} If one that is loaded would be granted what none may have, with the place of every problem.
 */
export async function resolveGrants(
  entries: readonly PluginEntry[],
  chosen: readonly PluginEntry[],
  variables: Variables,
  isProtected: readonly ProtectedPath[],
  sections: Config["plugins"] = {},
): Promise<PluginGrants> {
  const guard = new PathGuard(variables, isProtected);
  const resolved = await Promise.all(entries.map(async (entry) => {
    const loaded = chosen.includes(entry);
    try {
      const grant = await resolveGrant(entry, variables, guard);
      return { entry, loaded, problems: [], ...grant };
    } catch (error) {
      if (!(error instanceof GrantError)) throw error;
      // What is not loaded is shown as it is declared.
      const problems = loaded ? error.problems : [];
      const { permissions, uses } = entry;
      return { entry, loaded, problems, permissions, uses };
    }
  }));
  const problems = resolved.flatMap(({ problems }) => problems);
  if (problems.length > 0) {
    throw new StartError(
      1,
      [
        "Cannot grant on this node what the manifest asks for; correct it and start again:",
        ...problems,
      ].join("\n"),
    );
  }
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
