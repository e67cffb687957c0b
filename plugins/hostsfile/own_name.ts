import { BlockList, isIPv4 } from "node:net";
import type { Client, hostname, Logger } from "hamlet";

/**
 * Asks the system what it makes of the node's own name, and logs what is wrong with that.
 *
 * @param hostnames Asks the resolver.
 * @param address The node's address.
 * @param file The hosts file that says so.
 * @param log Told what is wrong.
 */
export async function checkOwnName(
  hostnames: Client<typeof hostname>,
  address: string,
  file: string,
  log: Logger,
): Promise<void> {
  const { name, addresses } = await hostnames.resolve({});
  if (addresses.some((found) => isSame(found, address))) {
    log.debug(`This system resolves "${name}" to ${address}`);
    return;
  }
  const message =
    `This system resolves "${name}" to ${
      addresses.join(", ") || "nothing"
    }, not to ${address}: ` +
    `"${file}" is not its hosts file; make /etc/hosts a symbolic link to it, or set plugins.hostsfile.etcHosts`;
  // Nobody is to find a node that is on loopback alone, as one for trying things out is.
  if (isLoopback(address)) log.info(message);
  else log.error(message);
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
