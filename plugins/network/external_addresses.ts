import { BlockList, isIPv4 } from "node:net";
import type { DefaultRoute } from "./default_route.ts";

/** What is read of an address of this machine. */
export type InterfaceAddress = Pick<
  Deno.NetworkInterfaceInfo,
  "name" | "address" | "cidr"
>;

/** Addresses that no other machine, or none beyond the link, can reach: RFC 1122, RFC 3927, RFC 4291. */
const internal = new BlockList();
internal.addSubnet("127.0.0.0", 8, "ipv4");
internal.addSubnet("169.254.0.0", 16, "ipv4");
internal.addAddress("::1", "ipv6");
internal.addSubnet("fe80::", 10, "ipv6");

/**
 * Tells under which addresses other machines reach this one, as far as it can know.
 *
 * @param interfaces Every address of the machine.
 * @param routes Its default routes, the preferred one first; undefined where nothing tells them.
 * @returns The source address of each route, IPv4 before IPv6; where the routes are not known, every address that is
 * not internal.
 */
export function externalAddresses(
  interfaces: readonly InterfaceAddress[],
  routes: readonly DefaultRoute[] | undefined,
): string[] {
  const external = interfaces.filter(({ address }) =>
    !internal.check(address, familyOf(address))
  );
  const found = routes === undefined
    ? external.map(({ address }) => address)
    : routes.flatMap((route) => sourceOf(route, external) ?? []);
  return [...new Set(found)].toSorted((a, b) =>
    familyOf(a).localeCompare(familyOf(b))
  );
}

/** What the kernel chooses, ip-route(8): what the route says, else an address in the gateway's net, else the first. */
function sourceOf(
  route: DefaultRoute,
  external: readonly InterfaceAddress[],
): string | undefined {
  if (route.source !== undefined) return route.source;
  const candidates = external.filter(({ name, address }) =>
    // An address with a label of its own is listed under that: `eth0:1`.
    name.split(":")[0] === route.dev && familyOf(address) === route.family
  );
  return (candidates.find(({ cidr }) => contains(cidr, route)) ?? candidates[0])
    ?.address;
}

function contains(
  cidr: string | null,
  { gateway, family }: DefaultRoute,
): boolean {
  const [net = "", bits] = cidr?.split("/") ?? [];
  if (gateway === undefined || bits === undefined) return false;
  const list = new BlockList();
  list.addSubnet(net, Number(bits), family);
  return list.check(gateway, family);
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}
