import { X509Certificate } from "node:crypto";
import { isIPv6 } from "node:net";
import { Role, v } from "hamlet";

/** What a node's certificate says of it. */
export interface CertificateContent {
  readonly role: Role;
  /** As {@linkcode normalizeAddress} writes them, sorted. */
  readonly addresses: readonly string[];
}

/**
 * Reads a node's certificate.
 *
 * @param cert PEM, made by the cluster authority.
 * @returns What it says.
 */
export function certificateContent(cert: string): CertificateContent {
  const { subject, subjectAltName = "" } = new X509Certificate(cert);
  const [, role] = /^O=(.*)$/m.exec(subject) ?? [];
  const addresses = subjectAltName.matchAll(/IP Address:([^,\s]+)/g)
    .map(([, address = ""]) => normalizeAddress(address));
  return { role: v.parse(Role, role), addresses: [...addresses].sort() };
}

/**
 * Writes an address in the one way that its family's rules prefer (RFC 5952).
 *
 * @param address An IP address.
 */
export function normalizeAddress(address: string): string {
  return isIPv6(address)
    ? new URL(`http://[${address}]`).hostname.slice(1, -1)
    : address;
}
