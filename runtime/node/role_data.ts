import type { PluginEntry } from "../manifest/mod.ts";
import type { Role } from "../services/nodes.ts";

/**
 * Removes what the plugins that end with a role have in the data folder: a node that is no member any more must not
 * hold what members alone may. What another plugin of the new role may touch too stays.
 *
 * @param data The data folder.
 * @param entries Every declared plugin.
 * @param former The role that the node had.
 * @param role The role that it has.
 */
export async function removeRoleData(
  data: string,
  entries: readonly PluginEntry[],
  former: Role,
  role: Role,
): Promise<void> {
  const stays = entries.filter(({ roles }) => roles.includes(role))
    .flatMap(({ permissions: { read, write } }) => [...read, ...write]);
  const goes = entries.filter(({ roles }) =>
    roles.includes(former) && !roles.includes(role)
  ).flatMap(({ permissions }) => permissions.write).filter((path) =>
    path.startsWith(DATA) && !stays.includes(path)
  );
  for (const path of goes) {
    try {
      await Deno.remove(data + path.slice(DATA.length - 1), {
        recursive: true,
      });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** What the path of something in the data folder starts with, as the manifest has it. */
const DATA = "${data}/";
