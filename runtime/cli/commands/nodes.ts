import { membership } from "../../services/membership.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { duration } from "../status_text.ts";
import { table } from "../table.ts";

/** Lists every node of the cluster, with how it is. */
export default async function nodes(
  this: CliContext,
  flags: ClientFlags & JsonFlag,
): Promise<void> {
  using client = openClient(flags);
  const { nodes, current } = await client.call(membership, "nodes", {});
  if (!current) {
    this.process.stderr.write(
      "No majority of the members answers: this is what was known last\n",
    );
  }
  const now = Date.now();
  const lines = flags.json ? [JSON.stringify(nodes)] : table([
    ["NAME", "ROLE", "STATE", "ADDRESS", "LAST SEEN", "ID"],
    ...nodes.toSorted((a, b) => a.name < b.name ? -1 : 1).map((node) => [
      node.self ? `${node.name} (this node)` : node.name,
      node.role,
      node.state,
      node.addresses.join(",") || "none yet",
      node.lastSeen === undefined
        ? "never"
        : `${duration(now - Date.parse(node.lastSeen))} ago`,
      node.id,
    ]),
  ]);
  this.process.stdout.write(`${lines.join("\n")}\n`);
}
