import { BlockList, isIP, isIPv4 } from "node:net";

/**
 * Writes an IP address as everybody writes it, so that two texts can be compared.
 *
 * @param text An address; one of IPv4 in IPv6's clothes (`::ffff:192.0.2.1`) as sockets give it.
 * @returns The address, or undefined where it is none that another machine could use.
 */
export function canonicalAddress(text: string): string | undefined {
  const plain = text.replace(/^::ffff:(?=\d+\.)/i, "");
  if (isIP(plain) === 0 || plain.includes("%")) return;
  const canonical = isIPv4(plain)
    ? plain
    : new URL(`http://[${plain}]`).hostname.slice(1, -1);
  return UNUSABLE.check(canonical, isIPv4(canonical) ? "ipv4" : "ipv6")
    ? undefined
    : canonical;
}

/** Addresses that lead nowhere, or everywhere, or only within one link. */
const UNUSABLE = blockList([
  "0.0.0.0/8",
  "224.0.0.0/3",
  "::/128",
  "fe80::/10",
  "ff00::/8",
]);

/**
 * Makes a set of addresses and ranges.
 *
 * @param ranges Such as `192.0.2.1` and `2001:db8::/32`.
 * @returns The set.
 */
export function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** Options of {@linkcode acceptAddresses}. */
export interface AcceptOptions {
  /** Where the report came from; undefined where the reporter is trusted to name any. */
  readonly source: string | undefined;
  /** What was accepted of this node before. */
  readonly known: readonly string[];
  /** What the operator's config allows. */
  readonly trusted: BlockList;
}

/** What became of the addresses that a node reported. */
export interface Accepted {
  /** In the order of the report, each once. */
  readonly accepted: readonly string[];
  /** As they were written. */
  readonly refused: readonly string[];
}

/** Addresses that one node may have. */
const MOST = 8;

/**
 * Decides which addresses of a report are believed: whoever could name any would draw the others'
 * traffic to itself, or theirs to somebody else.
 *
 * @param reported What the node says.
 * @param options See {@linkcode AcceptOptions}.
 * @returns The addresses.
 */
export function acceptAddresses(
  reported: readonly string[],
  { source, known, trusted }: AcceptOptions,
): Accepted {
  const accepted = new Set<string>();
  const refused: string[] = [];
  for (const text of reported.slice(0, MOST)) {
    const address = canonicalAddress(text);
    const believed = address !== undefined &&
      (source === undefined || address === source || known.includes(address) ||
        trusted.check(address, isIPv4(address) ? "ipv4" : "ipv6"));
    if (believed) accepted.add(address);
    else refused.push(text);
  }
  return { accepted: [...accepted], refused };
}
