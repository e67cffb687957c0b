import type { Authority } from "./authority.ts";

/** First byte of a sealed key: AES-256-GCM, a nonce of 12 bytes, then the ciphertext with its tag. */
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Length of a seal key. */
export const SEAL_KEY_BYTES = 32;

/** What a sealed key belongs to: a seal opens for nothing else. */
export type SealedFor = Pick<Authority, "name" | "certificate">;

/** A seal that does not open. */
export class SealError extends Error {
  override readonly name = "SealError";
}

/**
 * Makes the key that seals the authorities' private keys: members hold it, etcd does not.
 *
 * @returns 32 random bytes.
 */
export function createSealKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SEAL_KEY_BYTES));
}

/**
 * Seals the private key of an authority.
 *
 * @param sealKey 32 bytes.
 * @param privateKey PKCS #8, DER.
 * @param belongsTo What it must be opened for.
 * @returns What may lie in etcd.
 * @throws {SealError} If the seal key has another length.
 */
export async function seal(
  sealKey: Uint8Array<ArrayBuffer>,
  privateKey: Uint8Array<ArrayBuffer>,
  belongsTo: SealedFor,
): Promise<Uint8Array<ArrayBuffer>> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const ciphertext = await crypto.subtle.encrypt(
    await parameters(nonce, belongsTo),
    await importSealKey(sealKey),
    privateKey,
  );
  const sealed = new Uint8Array(1 + NONCE_BYTES + ciphertext.byteLength);
  sealed[0] = VERSION;
  sealed.set(nonce, 1);
  sealed.set(new Uint8Array(ciphertext), 1 + NONCE_BYTES);
  return sealed;
}

/**
 * Opens what {@linkcode seal} sealed.
 *
 * @param sealKey 32 bytes.
 * @param sealed What lay in etcd.
 * @param belongsTo What it is opened for.
 * @returns The private key, PKCS #8, DER.
 * @throws {SealError} If the seal key is another one, a byte was altered, or it was sealed for
 * another authority or certificate.
 */
export async function unseal(
  sealKey: Uint8Array<ArrayBuffer>,
  sealed: Uint8Array<ArrayBuffer>,
  belongsTo: SealedFor,
): Promise<Uint8Array<ArrayBuffer>> {
  const what = `the private key of the ${belongsTo.name} authority`;
  if (
    sealed[0] !== VERSION || sealed.length <= 1 + NONCE_BYTES + TAG_BYTES
  ) {
    throw new SealError(
      `Cannot open the seal of ${what}: ${sealed.length} bytes of version ${
        sealed[0] ?? "none"
      } are not a sealed key of version ${VERSION}`,
    );
  }
  const key = await importSealKey(sealKey);
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt(
        await parameters(sealed.slice(1, 1 + NONCE_BYTES), belongsTo),
        key,
        sealed.subarray(1 + NONCE_BYTES),
      ),
    );
  } catch (cause) {
    throw new SealError(
      `Cannot open the seal of ${what}: it was sealed with another key or for another certificate, or was altered`,
      { cause },
    );
  }
}

async function importSealKey(
  sealKey: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  if (sealKey.length !== SEAL_KEY_BYTES) {
    throw new SealError(
      `A seal key has ${SEAL_KEY_BYTES} bytes: current value has ${sealKey.length}`,
    );
  }
  return await crypto.subtle.importKey("raw", sealKey, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
}

async function parameters(
  nonce: Uint8Array<ArrayBuffer>,
  { name, certificate }: SealedFor,
): Promise<AesGcmParams> {
  // With the certificate in it, nobody can put another one in front of the key.
  const fingerprint = new Uint8Array(
    await crypto.subtle.digest("SHA-256", certificate),
  );
  return {
    name: "AES-GCM",
    iv: nonce,
    additionalData: new TextEncoder().encode(
      `hamlet ${name} authority ${fingerprint.toHex()}`,
    ),
  };
}
