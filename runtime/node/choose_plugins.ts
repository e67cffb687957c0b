import { RUNTIME_SERVICES } from "../manifest/known_services.ts";
import type { Manifest, PluginEntry } from "../manifest/mod.ts";
import type { Role } from "../services/nodes.ts";
import { StartError } from "./errors.ts";

/**
 * Says which of the declared plugins a node loads.
 *
 * @param manifest What is declared.
 * @param names The names the operator chose; undefined for all.
 * @param role What the node does in its cluster.
 * @returns The plugins, in the manifest's order.
 * @throws {StartError} If there is none, or one is not declared, or needs a service that none of the others provides.
 */
export function choosePlugins(
  { plugins }: Manifest,
  names: readonly string[] | undefined,
  role: Role,
): PluginEntry[] {
  const known = plugins.map(({ name }) => name);
  // An empty flag, as of an unset variable, is one name without letters.
  if (names?.every((name) => name === "")) {
    throw new StartError(
      2,
      `Cannot load no plugins: name one or more with --plugins; known are ${
        known.join(", ")
      }`,
    );
  }
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new StartError(
      2,
      `Cannot load plugin "${unknown}": there is none of this name; known are ${
        known.join(", ")
      }`,
    );
  }
  const chosen = plugins.filter(({ name, roles }) =>
    roles.includes(role) && (names?.includes(name) ?? true)
  );
  if (chosen.length === 0) {
    throw new StartError(
      1,
      `Cannot start a node without plugins: none of them has the role "${role}"; add it to the "roles" of one`,
    );
  }
  for (const { name, uses, isolation, locate } of chosen) {
    if (isolation === "process") {
      throw new StartError(
        1,
        `${
          locate(["isolation"])
        }: Plugin "${name}" cannot run as a process of its own yet; say "isolation": "worker" ` +
          `if you trust its code`,
      );
    }
    for (const [service, { optional }] of Object.entries(uses)) {
      const provided = RUNTIME_SERVICES.includes(service) ||
        chosen.some(({ provides }) => provides.includes(service));
      if (optional || provided) continue;
      const provider = plugins.find(({ provides }) =>
        provides.includes(service)
      )?.name;
      throw new StartError(
        2,
        `Cannot load plugin "${name}" alone: it uses service "${service}", which plugin "${provider}" provides; ` +
          `add "${provider}" to --plugins`,
      );
    }
  }
  return chosen;
}

/** What an operator should know while a plugin is not ready. */
export interface PluginWarning {
  readonly plugin: string;
  readonly warning: string;
}

/**
 * Says what plugins may wait for in vain: they also run without it, but perhaps not to any end.
 *
 * @param chosen The plugins that run.
 * @param declared All that might.
 * @returns A warning for each service that one of them may use and only others provide.
 */
export function leftOutWarnings(
  chosen: readonly PluginEntry[],
  declared: readonly PluginEntry[],
): PluginWarning[] {
  return chosen.flatMap(({ name, uses }) =>
    Object.keys(uses).flatMap((service) => {
      const providers = declared.filter(({ provides }) =>
        provides.includes(service)
      );
      const [provider] = providers;
      return provider === undefined ||
          providers.some((provider) => chosen.includes(provider))
        ? []
        : [{
          plugin: name,
          warning:
            `Plugin "${name}" may wait for service "${service}", since "${provider.name}", which provides it, is not among --plugins`,
        }];
    })
  );
}
