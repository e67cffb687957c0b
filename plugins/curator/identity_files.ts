import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  X509Certificate,
} from "node:crypto";
import { writeFileAtomic } from "hamlet";

/** Where a node keeps who it is to its cluster: paths below its data folder. */
export interface IdentityFiles {
  /** The node's private key, PKCS #8 in PEM; the runtime writes it. */
  readonly key: string;
  /** The node's certificate of the cluster authority, PEM. */
  readonly cert: string;
  /** The cluster authority's own certificate, PEM. */
  readonly ca: string;
  /** The cluster authority's newest revocation list, DER; on a member the crl plugin writes it. */
  readonly crl: string;
}

/** Who the node is to its cluster, as TLS takes it. */
export interface Credentials {
  /** The private key, PEM. */
  readonly key: string;
  /** The node's certificate, PEM. */
  readonly cert: string;
  /** The cluster authority's certificate, PEM. */
  readonly ca: string;
}

/**
 * Says where a node keeps who it is.
 *
 * @param data The data folder.
 * @returns The paths.
 */
export function identityFiles(data: string): IdentityFiles {
  const folder = `${data}/identity`;
  return {
    key: `${folder}/key.pem`,
    cert: `${folder}/cert.pem`,
    ca: `${folder}/ca.pem`,
    crl: `${folder}/crl.der`,
  };
}

/**
 * Reads who the node is to its cluster.
 *
 * @param files Where.
 * @returns The credentials; undefined where the node has none yet, or they do not belong together.
 */
export async function readCredentials(
  files: IdentityFiles,
): Promise<Credentials | undefined> {
  try {
    const [key, cert, ca] = await Promise.all(
      [files.key, files.cert, files.ca].map((path) => Deno.readTextFile(path)),
    );
    if (key === undefined || cert === undefined || ca === undefined) return;
    const certificate = new X509Certificate(cert);
    const belongs = certificate.checkPrivateKey(createPrivateKey(key)) &&
      certificate.verify(new X509Certificate(ca).publicKey);
    return belongs ? { key, cert, ca } : undefined;
  } catch (error) {
    // A damaged file is like a missing one: it can be had again with the key.
    if (error instanceof Deno.errors.NotCapable) throw error;
    return;
  }
}

/**
 * Remembers the node's certificate; the authority's first, so that a certificate that is there can
 * be checked.
 *
 * @param files Where.
 * @param certificate The node's, DER.
 * @param authority The cluster authority's, DER.
 */
export async function writeCredentials(
  files: IdentityFiles,
  certificate: Uint8Array,
  authority: Uint8Array,
): Promise<void> {
  await writeFileAtomic(files.ca, toPem(authority));
  await writeFileAtomic(files.cert, toPem(certificate));
}

/**
 * Reads the public half of the node's key.
 *
 * @param files Where the key is.
 * @returns SPKI, DER.
 */
export async function readPublicKey(
  files: IdentityFiles,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = createPublicKey(await Deno.readTextFile(files.key));
  return new Uint8Array(key.export({ type: "spki", format: "der" }));
}

/**
 * Writes a certificate as text.
 *
 * @param der The certificate.
 * @returns PEM.
 */
export function toPem(der: Uint8Array): string {
  return [
    "-----BEGIN CERTIFICATE-----",
    ...Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [],
    "-----END CERTIFICATE-----",
    "",
  ].join("\n");
}
