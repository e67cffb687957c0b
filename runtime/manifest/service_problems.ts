import { KNOWN_SERVICES, RUNTIME_SERVICES } from "./known_services.ts";
import type { ManifestSource } from "./manifest_source.ts";
import { type Outline, UNREADABLE } from "./outline.ts";

/**
 * What is wrong between those that provide services and those that use them.
 *
 * @param source Where it stands.
 * @param plugins Every entry.
 * @returns One line each.
 */
export function serviceProblems(
  source: Pick<ManifestSource, "problem">,
  plugins: readonly Outline[],
): string[] {
  const problems: string[] = [];
  const providers = new Map<string, Outline>();
  for (const plugin of plugins) {
    for (const [index, service] of plugin.provides.entries()) {
      if (service === UNREADABLE) continue;
      const other = RUNTIME_SERVICES.includes(service)
        ? "The runtime"
        : providers.has(service) && providers.get(service) !== plugin
        ? `Plugin "${providers.get(service)?.name}"`
        : undefined;
      if (other === undefined) providers.set(service, plugin);
      else {
        problems.push(source.problem(
          ["plugins", plugin.name, "provides", index],
          `${other} provides this service; choose another name`,
        ));
      }
    }
  }
  const anyProvided = plugins.some(({ provides }) =>
    provides.includes(UNREADABLE)
  );
  for (const plugin of plugins) {
    for (const { service, optional } of plugin.uses) {
      if (optional || RUNTIME_SERVICES.includes(service)) continue;
      const provider = providers.get(service);
      if (provider === undefined && anyProvided) continue;
      const missing = plugin.roles.filter((role) =>
        !provider?.roles.includes(role)
      );
      if (missing.length === 0) continue;
      const known = [...RUNTIME_SERVICES, ...providers.keys()].sort();
      const why = provider !== undefined
        ? `Plugin "${provider.name}" provides it, but not on a node with the role "${
          missing[0]
        }"; leave that out of "roles"`
        : KNOWN_SERVICES.has(service)
        ? 'No plugin of this file provides it; add one that does, or take over those of Hamlet with "extends": "hamlet"'
        : `Nobody provides it; provided are ${known.join(", ")}`;
      problems.push(source.problem(
        ["plugins", plugin.name, "uses", service],
        `${why}, or say "optional": true if the plugin also runs without it`,
      ));
    }
  }
  return [...problems, ...cycleProblems(source, plugins, providers)];
}

/** Plugins that would wait for each other for ever. */
function cycleProblems(
  source: Pick<ManifestSource, "problem">,
  plugins: readonly Outline[],
  providers: ReadonlyMap<string, Outline>,
): string[] {
  const problems: string[] = [];
  const finished = new Set<Outline>();
  const visit = (plugin: Outline, users: readonly Outline[]) => {
    if (finished.has(plugin)) return;
    const chain = [...users, plugin];
    for (const { service, optional } of plugin.uses) {
      const provider = providers.get(service);
      if (optional || provider === undefined) continue;
      if (!chain.includes(provider)) visit(provider, chain);
      else {
        const cycle = [...chain.slice(chain.indexOf(provider)), provider];
        problems.push(source.problem(
          ["plugins", plugin.name, "uses", service],
          `Plugins wait for each other for ever: ${
            cycle.map(({ name }) => name).join(" → ")
          }; say "optional": true for one of these uses`,
        ));
      }
    }
    finished.add(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return problems;
}
