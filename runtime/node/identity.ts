import { writeFileAtomic } from "../atomic_file.ts";
import { StartError } from "./errors.ts";
import { whyUnreadable } from "./why_unreadable.ts";

/** Who a node is, for as long as it lives: its Ed25519 key and what follows from it. */
export interface Identity {
  /** `hamlet-` and the first 16 bytes of the public key in hex. */
  readonly id: string;
  /** The same 16 bytes alone, for machine-id(5). */
  readonly machineId: string;
  /** The private key, PKCS #8 in PEM. */
  readonly pem: string;
}

/** The file of the private key below the data folder. */
const FILE = "identity/key.pem";

/** Makes a new identity, in memory only. */
export async function generateIdentity(): Promise<Identity> {
  const keys = await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]);
  // Only the declarations of older algorithms say that these come in pairs.
  if (!("privateKey" in keys)) throw new TypeError("Cannot make a key pair");
  const der = new Uint8Array(
    await crypto.subtle.exportKey("pkcs8", keys.privateKey),
  );
  return await identityOf(
    `-----BEGIN PRIVATE KEY-----\n${der.toBase64()}\n-----END PRIVATE KEY-----\n`,
  );
}

/**
 * Reads the identity of a node.
 *
 * @param data The data folder.
 * @returns The identity.
 * @throws {StartError} If there is none or it is damaged.
 */
export async function readIdentity(data: string): Promise<Identity> {
  const refuse = (why: string, cause: unknown) =>
    new StartError(
      1,
      `Cannot read the node's key "${data}/${FILE}": ${why}; restore it from a backup, since without it this is ` +
        `another node`,
      { cause },
    );
  let pem: string;
  try {
    pem = await Deno.readTextFile(`${data}/${FILE}`);
  } catch (cause) {
    throw refuse(
      cause instanceof Deno.errors.NotFound
        ? "it is missing"
        : whyUnreadable(cause),
      cause,
    );
  }
  try {
    return await identityOf(pem);
  } catch (cause) {
    throw refuse("it is no Ed25519 private key in PKCS #8 PEM", cause);
  }
}

/**
 * Writes an identity, for its owner only.
 *
 * @param data The data folder.
 * @param identity The identity.
 */
export async function writeIdentity(
  data: string,
  identity: Identity,
): Promise<void> {
  await writeFileAtomic(`${data}/${FILE}`, identity.pem, { mode: 0o600 });
}

async function identityOf(pem: string): Promise<Identity> {
  const [, base64 = ""] =
    /^-----BEGIN PRIVATE KEY-----\n([^-]+)-----END PRIVATE KEY-----\n?$/.exec(
      pem,
    ) ?? [];
  const privateKey = await crypto.subtle.importKey(
    "pkcs8",
    Uint8Array.fromBase64(base64),
    "Ed25519",
    true,
    ["sign"],
  );
  // Of a private key, only this format has the public one too (RFC 8037, section 2).
  const { x = "" } = await crypto.subtle.exportKey("jwk", privateKey);
  const machineId = Uint8Array.fromBase64(x, { alphabet: "base64url" })
    .subarray(0, 16).toHex();
  return { id: `hamlet-${machineId}`, machineId, pem };
}
