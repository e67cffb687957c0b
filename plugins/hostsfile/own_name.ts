import { BlockList, isIPv4 } from "node:net";
import type { CallOptions, Client, hostname } from "hamlet";

/** What the system makes of the node's own name. */
export interface OwnName {
  /** Whether it finds the node; `nowhere` is one on loopback alone, which nobody is to find. */
  readonly found: "yes" | "no" | "nowhere";
  /** For the log. */
  readonly message: string;
}

/**
 * Asks the system what it makes of the node's own name.
 *
 * @param hostnames Asks the resolver.
 * @param address The node's address.
 * @param file The hosts file that says so.
 * @param options To cancel it: a resolver may take long to give up a name server that it does not reach.
 * @returns What it found; the same message for the same answer.
 */
export async function checkOwnName(
  hostnames: Client<typeof hostname>,
  address: string,
  file: string,
  options: CallOptions,
): Promise<OwnName> {
  const { name, addresses } = await hostnames.resolve({}, options);
  if (addresses.some((found) => isSame(found, address))) {
    return {
      found: "yes",
      message: `This system resolves "${name}" to ${address}`,
    };
  }
  return {
    found: isLoopback(address) ? "nowhere" : "no",
    message: `This system resolves "${name}" to ${
      // A name server may give them in another order each time.
      addresses.toSorted().join(", ") || "nothing"}, not to ${address}: ` +
      `"${file}" is not its hosts file; make /etc/hosts a symbolic link to it, or set plugins.hostsfile.etcHosts`,
  };
}

function isSame(a: string, b: string): boolean {
  const list = new BlockList();
  list.addAddress(a, familyOf(a));
  return list.check(b, familyOf(b));
}

function isLoopback(address: string): boolean {
  const list = new BlockList();
  list.addSubnet("127.0.0.0", 8, "ipv4");
  list.addAddress("::1", "ipv6");
  return list.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}
