import type { CertificateRole } from "hamlet";
import { type Authority, exportKey, generateKeyPair } from "./authority.ts";
import { randomSerial } from "./serial.ts";

/** Options of {@linkcode issue}. */
export interface IssueOptions {
  /** The subject's common name: a node ID, or what an operator is called. */
  readonly name: string;
  /** IPv4 and IPv6 addresses the holder is reached at, as a server. */
  readonly addresses: readonly string[];
  /** Ed25519, SPKI, DER. @default A new key pair */
  readonly publicKey?: Uint8Array<ArrayBuffer> | undefined;
  /**
   * What the holder is to the cluster authority; a certificate of the peer authority has none.
   *
   * It stands in the subject as the organization, beside the node ID as the common name, as
   * Kubernetes does it (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates):
   * every TLS library shows the subject of a peer as it is. A URI such as SPIFFE's would need a
   * fully qualified host name in it (RFC 5280, 4.2.1.6), which a cluster does not have.
   */
  readonly role?: CertificateRole | undefined;
}

/** A certificate that was signed, and not registered yet. */
export interface Issued {
  /** 32 digits of lower-case hex. */
  readonly serial: string;
  /** DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** PKCS #8, DER, of the key pair that was made. */
  readonly privateKey?: Uint8Array<ArrayBuffer>;
}

/** A request for a certificate that cannot be granted as it stands. */
export class IssueError extends Error {
  override readonly name = "IssueError";
}

/**
 * Signs a certificate for a TLS server and client.
 *
 * @param authority Who signs.
 * @param options See {@linkcode IssueOptions}.
 * @returns The certificate.
 * @throws {IssueError} If the name or the public key cannot stand in a certificate.
 */
export async function issue(
  authority: Authority,
  options: IssueOptions,
): Promise<Issued> {
  const { name, role } = options;
  // The name is in a subject, in a file name of `hamlet cert issue`, and typed by people to revoke.
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name)) {
    throw new IssueError(
      `Cannot issue a certificate for "${name}": a name is at most 64 letters, digits, ".", "_", "@" or "-", the first a letter or digit`,
    );
  }
  const { publicKey, privateKey } = await keysFor(options.publicKey);
  const { signCertificate } = await import("./x509.ts");
  const serial = randomSerial();
  const certificate = await signCertificate({
    serial,
    commonName: name,
    organization: role,
    publicKey,
    use: {
      kind: "tls",
      addresses: options.addresses,
      // A client of the curator has to ask for a DNS name (Deno's TLS takes no address), while etcd
      // would look up any DNS name in a peer's certificate.
      names: authority.name === "cluster" && DNS_LABEL.test(name) ? [name] : [],
    },
  }, authority);
  return {
    serial,
    certificate,
    ...privateKey && { privateKey },
  };
}

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The holder's public key, and the private one if a pair was made; DER. */
async function keysFor(given: Uint8Array<ArrayBuffer> | undefined) {
  if (given) {
    await checkPublicKey(given);
    return { publicKey: given };
  }
  const { publicKey, privateKey } = await generateKeyPair();
  return {
    publicKey: await exportKey("spki", publicKey),
    privateKey: await exportKey("pkcs8", privateKey),
  };
}

/** @throws {IssueError} If it is not one that these certificates have. */
async function checkPublicKey(
  publicKey: Uint8Array<ArrayBuffer>,
): Promise<void> {
  try {
    await crypto.subtle.importKey("spki", publicKey, "Ed25519", true, [
      "verify",
    ]);
  } catch (cause) {
    throw new IssueError(
      `Cannot issue a certificate for a public key of ${publicKey.length} bytes: it is not an Ed25519 key as SPKI`,
      { cause },
    );
  }
}
