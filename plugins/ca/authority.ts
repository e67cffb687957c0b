import type { AuthorityName } from "hamlet";
import { randomSerial } from "./serial.ts";

/** An authority that can sign. */
export interface Authority {
  readonly name: AuthorityName;
  /** Its self-signed certificate, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** Ed25519, not extractable. */
  readonly signingKey: CryptoKey;
}

/** A new authority. */
export interface CreatedAuthority {
  readonly authority: Authority;
  /** PKCS #8, to be sealed and kept. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

const COMMON_NAMES: Record<AuthorityName, string> = {
  peer: "Hamlet etcd peer CA",
  cluster: "Hamlet cluster CA",
};

/**
 * Creates an authority: a key pair and its self-signed certificate.
 *
 * @param name Which of the two.
 * @returns The authority and its private key.
 */
export async function createAuthority(
  name: AuthorityName,
): Promise<CreatedAuthority> {
  const { signCertificate } = await import("./x509.ts");
  const keys = await generateKeyPair();
  const privateKey = await exportKey("pkcs8", keys.privateKey);
  const signingKey = await importSigningKey(privateKey);
  const serial = randomSerial();
  const certificate = await signCertificate({
    serial,
    // Chains are built by subject name first (RFC 4158, 3.5.13): two clusters must not share one.
    commonName: `${COMMON_NAMES[name]} ${serial.slice(-8)}`,
    publicKey: await exportKey("spki", keys.publicKey),
    use: { kind: "authority" },
  }, { signingKey });
  return { authority: { name, certificate, signingKey }, privateKey };
}

/**
 * Imports the private key of an authority.
 *
 * @param privateKey PKCS #8, DER.
 * @returns A key that signs and cannot be taken out again.
 * @throws {DOMException} If it is not an Ed25519 key.
 */
export async function importSigningKey(
  privateKey: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  return await crypto.subtle.importKey("pkcs8", privateKey, "Ed25519", false, [
    "sign",
  ]);
}

/**
 * Makes an Ed25519 key pair.
 *
 * @returns An extractable one.
 */
export async function generateKeyPair(): Promise<CryptoKeyPair> {
  const keys = await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]);
  // Only the declarations of older algorithms say that these come in pairs.
  if (keys instanceof CryptoKey) throw new TypeError("Ed25519 made one key");
  return keys;
}

/**
 * Exports a key as DER.
 *
 * @param format `pkcs8` for a private, `spki` for a public key.
 * @param key An extractable key.
 */
export async function exportKey(
  format: "pkcs8" | "spki",
  key: CryptoKey,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.exportKey(format, key));
}
