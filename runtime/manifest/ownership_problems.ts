import { isWithin } from "./granted_path.ts";
import type { ManifestSource } from "./manifest_source.ts";
import { type Outline, UNREADABLE } from "./outline.ts";

/**
 * What one plugin would reach of another's. What a plugin may write is its own: its secrets, its
 * sockets, what it relies on finding as it left it. So no other entry may name it, anything below it
 * or a folder around it, unless the owner's says so in `shares`.
 *
 * Compared as the manifest has them, before variables are resolved: what lies in a folder of the
 * node can only be named with that folder's variable, which `resolveGrant` makes sure of.
 *
 * @param source Where it stands.
 * @param plugins Every entry.
 * @returns One line each.
 */
export function ownershipProblems(
  source: Pick<ManifestSource, "problem">,
  plugins: readonly Outline[],
): string[] {
  return plugins.flatMap((plugin) => [
    ...shareProblems(source, plugin),
    ...socketProblems(source, plugin),
    ...(["read", "write"] as const).flatMap((access) =>
      plugin[access].flatMap((path, index) => {
        if (path === UNREADABLE) return [];
        const advice = plugins
          .filter((owner) => owner !== plugin)
          .map((owner) => trespass(path, plugin, owner))
          .find((one) => one !== undefined);
        return advice === undefined ? [] : [source.problem(
          ["plugins", plugin.name, "permissions", access, index],
          advice,
        )];
      })
    ),
  ]);
}

function trespass(
  path: string,
  plugin: Outline,
  owner: Outline,
): string | undefined {
  const around = owner.write.find((own) =>
    own !== UNREADABLE && isWithin(path, own)
  );
  if (around !== undefined && !owner.shares.includes(path)) {
    return `Plugin "${owner.name}" may write "${around}", so it is its own; use a service of that plugin, ` +
      `or let its entry say "shares": [${JSON.stringify(path)}]`;
  }
  // A folder that both write belongs to the one that has the outer one.
  if (plugin.write.some((own) => isWithin(path, own))) return;
  const inside = owner.write.find((own) => own !== path && isWithin(own, path));
  if (inside !== undefined) {
    return `It reaches "${inside}", which is plugin "${owner.name}"'s own; name what is needed beside it`;
  }
}

function shareProblems(
  source: Pick<ManifestSource, "problem">,
  plugin: Outline,
): string[] {
  return plugin.shares.flatMap((path, index) =>
    path === UNREADABLE ||
      plugin.write.some((own) => own === UNREADABLE || isWithin(path, own))
      ? []
      : [source.problem(
        ["plugins", plugin.name, "shares", index],
        "A plugin shares what it may write itself; this is not below any of its permissions.write",
      )]
  );
}

/** Deno wants all three to open a socket; and a socket below what a plugin may write is its own. */
function socketProblems(
  source: Pick<ManifestSource, "problem">,
  plugin: Outline,
): string[] {
  return plugin.net.flatMap((address, index) => {
    // Any other socket is refused where the address is looked at.
    if (!/^unix:\$\{(?:data|run)\}/.test(address)) return [];
    const socket = address.slice("unix:".length);
    const missing = (["read", "write"] as const).filter((access) =>
      !plugin[access].some((path) =>
        path === UNREADABLE || isWithin(socket, path)
      )
    );
    return missing.length === 0 ? [] : [source.problem(
      ["plugins", plugin.name, "permissions", "net", index],
      `Add "${socket}", or its folder, to permissions.${
        missing.join(" and permissions.")
      }: a plugin only uses sockets of its own`,
    )];
  });
}
