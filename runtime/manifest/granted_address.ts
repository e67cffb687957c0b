import { isIPv4, isIPv6 } from "node:net";
import { grantedPathProblem } from "./granted_path.ts";
import { variableProblem } from "./variables.ts";

const FORMS =
  'write "HOST:PORT", "ADDRESS:PORT", "ADDRESS/BITS:PORT" (IPv4) or "unix:${run}/PATH"';

/**
 * Every address and port. For what talks to machines that are only known at run time: Deno can
 * write no range of IPv6 addresses, and none of ports.
 */
export const EVERYWHERE = "*";

/**
 * What is wrong with a network address that has no variables (any more) and is not a unix socket.
 *
 * @param address As `permissions.net` of a Worker takes it.
 * @returns The advice, or undefined where it is right.
 */
export function tcpAddressProblem(address: string): string | undefined {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined || port === undefined) {
    return `Name one port: ${FORMS}`;
  }
  if (Number(port) < 1 || Number(port) > 65535) {
    return "A port is a number from 1 to 65535";
  }
  if (host.includes("*")) {
    return `There are no wildcards in host names; for every IPv4 address write "0.0.0.0/0:${port}"`;
  }
  if (host.startsWith("[")) {
    const address = host.slice(1, -1);
    return host.endsWith("]") && isIPv6(address) && !address.includes("%")
      ? undefined
      : "It is not an IPv6 address in brackets; ranges of them cannot be granted";
  }
  if (host.includes(":")) {
    return /^[\da-fA-F:.]+$/.test(host)
      ? `Write an IPv6 address in brackets: "[${host}]:${port}"`
      : `It is not an address: ${FORMS}`;
  }
  const [network = "", bits, ...more] = host.split("/");
  if (bits !== undefined) {
    return more.length === 0 ? rangeProblem(network, bits) : FORMS;
  }
  // What looks like an address is never looked up as a name.
  if (/^[\d.]+$/.test(host)) {
    return isIPv4(host) ? undefined : "It is not an IPv4 address";
  }
  const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
  if (!host.split(".").every((one) => label.test(one))) {
    return `"${host}" is not a host name: ${FORMS}`;
  }
}

/**
 * What is wrong with a network address as the manifest has it.
 *
 * @param text One of `permissions.net`.
 * @returns The advice, or undefined where it is right.
 */
export function grantedAddressProblem(text: string): string | undefined {
  if (text === EVERYWHERE) return;
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return /^\$\{(?:data|run)\}/.test(path)
      ? grantedPathProblem(path, "write")
      : 'A socket that a plugin may use lies below "${run}/" or "${data}/"';
  }
  const problem = variableProblem(text, ["listen", "peerPort", "curatorPort"]);
  if (problem !== undefined) return problem;
  const example = text
    .replace(/^\$\{listen\}(?=:)/, "192.0.2.1")
    .replace(/(?<=:)\$\{(?:peerPort|curatorPort)\}$/, "1");
  return example.includes("${")
    ? 'Write "${listen}" alone before the colon, a variable port alone after it'
    : tcpAddressProblem(example);
}

function rangeProblem(network: string, bits: string): string | undefined {
  if (!isIPv4(network) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) {
    return "A range is an IPv4 address, a slash and 0 to 32";
  }
  const address = network.split(".").reduce(
    (sum, part) => sum * 256 + Number(part),
    0,
  );
  // Deno accepts such a range and then matches nothing.
  if (address % 2 ** (32 - Number(bits)) !== 0) {
    return `The last ${
      32 - Number(bits)
    } bits of the address of a range are zero`;
  }
}
