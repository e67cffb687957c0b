import { BlockList, isIP, isIPv4 } from "node:net";

/** A node as others look it up. */
export interface HostsEntry {
  readonly id: string;
  /** May be the ID. */
  readonly name: string;
  readonly address: string;
}

/** One DNS label (RFC 1123, section 2.1). */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

const nodeId = /^hamlet-[0-9a-f]{32}$/i;

/** Unspecified, multicast and broadcast addresses. */
const nobody = new BlockList();
nobody.addSubnet("0.0.0.0", 8, "ipv4");
nobody.addSubnet("224.0.0.0", 4, "ipv4");
nobody.addAddress("255.255.255.255", "ipv4");
nobody.addAddress("::", "ipv6");
nobody.addSubnet("ff00::", 8, "ipv6");

/**
 * What keeps an entry out of the file.
 *
 * @param entry The entry, from anywhere.
 * @returns The reason, or undefined where there is none.
 */
export function entryProblem(
  { id, name, address }: HostsEntry,
): string | undefined {
  // A zone, `fe80::1%eth0`, means something on its own machine only.
  if (isIP(address) === 0 || address.includes("%")) {
    return `"${address}" is not an IP address`;
  }
  if (nobody.check(address, isIPv4(address) ? "ipv4" : "ipv6")) {
    return `"${address}" is not the address of one machine`;
  }
  for (const one of [id, name]) {
    if (!label.test(one)) return `"${one}" is not a DNS label`;
    if (one.toLowerCase() === "localhost") {
      return `"${one}" is this machine's own name for itself`;
    }
  }
  if (name !== id && nodeId.test(name)) {
    return `its name "${name}" is the ID of another node`;
  }
  return undefined;
}

/**
 * Renders the nodes' part of hosts(5).
 *
 * @param entries Nodes without a problem, in any order.
 * @returns A line for each, sorted by ID.
 */
export function renderEntries(entries: Iterable<HostsEntry>): string[] {
  return [...entries]
    .toSorted((a, b) => a.id < b.id ? -1 : 1)
    .map(({ id, name, address }) =>
      name === id ? `${address} ${id}` : `${address} ${id} ${name}`
    );
}

/**
 * Renders hosts(5).
 *
 * @param lines The nodes' part.
 * @returns The whole file.
 */
export function renderHosts(lines: readonly string[]): string {
  return ["127.0.0.1 localhost", "::1 localhost", ...lines, ""].join("\n");
}

/** More changes than this are counted rather than told. */
const MAX_TOLD = 20;

/**
 * Says for the log what differs between two contents of the file.
 *
 * @param before What was in it, by node ID.
 * @param after What is in it now, by node ID.
 * @returns Such as `added a (192.0.2.1), changed b (192.0.2.2, was 192.0.2.3), gone c`; empty where nothing differs.
 */
export function describeChange(
  before: ReadonlyMap<string, HostsEntry>,
  after: ReadonlyMap<string, HostsEntry>,
): string {
  const parts: string[] = [];
  for (const [id, { name, address }] of after) {
    const old = before.get(id);
    if (old === undefined) parts.push(`added ${name} (${address})`);
    else if (old.address !== address) {
      parts.push(`changed ${name} (${address}, was ${old.address})`);
    } else if (old.name !== name) parts.push(`renamed ${old.name} to ${name}`);
  }
  for (const [id, { name }] of before) {
    if (!after.has(id)) parts.push(`gone ${name}`);
  }
  const more = parts.length - MAX_TOLD;
  return more <= 1
    ? parts.join(", ")
    : `${parts.slice(0, MAX_TOLD).join(", ")} and ${more} more`;
}
