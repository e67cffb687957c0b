import type { ClusterNode } from "hamlet";
import { entryProblem, type HostsEntry } from "./hosts_file.ts";

/** What a node's own view of the cluster comes to, together with what was known before. */
export interface MergedView {
  /** By node ID; the same object as before where nothing differs. */
  readonly entries: ReadonlyMap<string, HostsEntry>;
  /** Those of the entries that the view does not have, apart from this node's own. */
  readonly missing: readonly HostsEntry[];
  /** What of the view is not as it should be, one sentence each. */
  readonly problems: readonly string[];
}

/**
 * Adds to what is known what the cluster says of the other nodes. A node that it no longer has stays known: it may
 * still be talked to while it is being taken out of service.
 *
 * @param known By node ID, with this node's own entry or without; entries without a problem.
 * @param view Every node of the cluster, in any order.
 * @param self This node, of which the cluster may have an old address.
 * @returns What is known now.
 */
export function mergeView(
  known: ReadonlyMap<string, HostsEntry>,
  view: readonly ClusterNode[],
  self: { readonly id: string; readonly name: string },
): MergedView {
  const entries = new Map(known);
  const problems: string[] = [];
  /** Names are claimed without regard to case, as resolvers compare them (RFC 4343). */
  const holders = new Map([[self.name.toLowerCase(), self.id]]);
  const present = new Set([self.id]);
  for (const { id, name, addresses: [address] } of view) {
    if (id === self.id) continue;
    present.add(id);
    const holder = holders.get(name.toLowerCase());
    const taken = name !== id && holder !== undefined;
    if (taken) {
      problems.push(
        `Node "${id}" is written without its name "${name}", which node "${holder}" has too`,
      );
    }
    const old = known.get(id);
    const entry = { id, name: taken ? id : name, address: address ?? "" };
    // Before its first report a node has no address; later on, the one it had is better than none.
    if (address === undefined) {
      if (old === undefined) continue;
      entry.address = old.address;
    }
    const unchanged = old?.name === entry.name && old.address === entry.address;
    // What is known has none, and to look again at 10,000 nodes for each change of one would take most of the time.
    const problem = unchanged ? undefined : entryProblem(entry);
    if (problem !== undefined) {
      problems.push(`Node "${id}" is left as it was: ${problem}`);
      continue;
    }
    holders.set(entry.name.toLowerCase(), id);
    if (!unchanged) entries.set(id, entry);
  }
  const missing: HostsEntry[] = [];
  for (const entry of known.values()) {
    const { id, name } = entry;
    if (present.has(id)) continue;
    missing.push(entry);
    // The name has been given to the machine that replaces it, and must lead there alone.
    if (name !== id && holders.has(name.toLowerCase())) {
      entries.set(id, { ...entry, name: id });
    }
  }
  const same = entries.size === known.size &&
    entries.entries().every(([id, entry]) => known.get(id) === entry);
  return { entries: same ? known : entries, missing, problems };
}
