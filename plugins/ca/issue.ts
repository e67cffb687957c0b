import { type Authority, exportKey, generateKeyPair } from "./authority.ts";
import { randomSerial } from "./serial.ts";
import { VALID_FROM, VALID_UNTIL } from "./validity.ts";
import { loadX509 } from "./x509.ts";

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
  readonly role?: "operator" | "member" | "worker" | undefined;
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
  const x509 = await loadX509();
  const keys = options.publicKey
    ? { publicKey: await importPublicKey(options.publicKey) }
    : await generateKeyPair();
  const issuer = new x509.X509Certificate(authority.certificate);
  const serial = randomSerial();
  const alternativeNames = [
    ...options.addresses.map((value) => ({ type: "ip" as const, value })),
    // A client of the curator has to ask for a DNS name (Deno's TLS takes no address), while etcd
    // would look up any DNS name in a peer's certificate.
    ...authority.name === "cluster" && DNS_LABEL.test(name)
      ? [{ type: "dns" as const, value: name }]
      : [],
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [...role ? [{ O: [role] }] : [], { CN: [name] }],
    issuer: issuer.subjectName,
    notBefore: VALID_FROM,
    notAfter: VALID_UNTIL,
    publicKey: keys.publicKey,
    signingKey: authority.signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      ...alternativeNames.length > 0
        ? [new x509.SubjectAlternativeNameExtension(alternativeNames)]
        : [],
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    serial,
    certificate: new Uint8Array(certificate.rawData),
    ..."privateKey" in keys &&
      { privateKey: await exportKey("pkcs8", keys.privateKey) },
  };
}

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

async function importPublicKey(
  publicKey: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("spki", publicKey, "Ed25519", true, [
      "verify",
    ]);
  } catch (cause) {
    throw new IssueError(
      `Cannot issue a certificate for a public key of ${publicKey.length} bytes: it is not an Ed25519 key as SPKI`,
      { cause },
    );
  }
}
