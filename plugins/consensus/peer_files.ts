import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  generateKeyPairSync,
  X509Certificate,
} from "node:crypto";
import {
  type ca,
  type Client,
  type enrollment,
  FatalError,
  type Logger,
  parseRevocationList,
  writeFileAtomic,
} from "hamlet";
import type { EtcdFiles } from "./etcd_files.ts";
import { exists } from "./exists.ts";

/** Options of {@linkcode writePeerFiles}. */
export interface WritePeerFilesOptions {
  readonly files: EtcdFiles;
  /** The authorities of the new cluster. */
  readonly authorities: Client<typeof ca>;
  /** The node ID, which the certificate is for. */
  readonly name: string;
  /** Under which the others find this node's etcd. */
  readonly address: string;
  readonly signal: AbortSignal;
}

/**
 * Writes what etcd needs to talk to its peers, before its first start. After a crash at any instant
 * it goes on: the certificate, written last, says that the others are there.
 *
 * @param options See {@linkcode WritePeerFilesOptions}.
 * @returns The certificate of the peer authority, DER.
 */
export async function writePeerFiles(
  { files, authorities, name, address, signal }: WritePeerFilesOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const peer = { authority: "peer" } as const;
  const [{ certificate: authority }, { der }] = await Promise.all([
    authorities.authority(peer, { signal }),
    authorities.crl(peer, { signal }),
  ]);
  for (const file of [files.ca, files.crl]) {
    await Deno.mkdir(folderOf(file), { recursive: true, mode: 0o700 });
  }
  const list = writeFileAtomic(files.crl, der);
  if (await isComplete(files, authority)) {
    await list;
    return new Uint8Array(authority);
  }

  const { publicKey, privateKey } = createKey();
  const [{ certificate }] = await Promise.all([
    authorities.issue({
      ...peer,
      name,
      addresses: [address],
      publicKey,
    }, { signal }),
    list,
    writeFileAtomic(files.ca, pem(authority)),
    writeFileAtomic(files.key, privateKey),
  ]);
  await writeFileAtomic(files.cert, pem(certificate));
  return new Uint8Array(authority);
}

/** Options of {@linkcode fetchPeerFiles}. */
export interface FetchPeerFilesOptions {
  readonly files: EtcdFiles;
  /** The cluster that the node joins; waits until somebody of it answers. */
  readonly members: () => Promise<Client<typeof enrollment>>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Gets what etcd needs to talk to its peers from a cluster that is there, unless it was got before.
 *
 * @param options See {@linkcode FetchPeerFilesOptions}.
 * @returns The certificate of the peer authority, DER.
 */
export async function fetchPeerFiles(
  { files, members, log, signal }: FetchPeerFilesOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  for (const file of [files.ca, files.crl]) {
    await Deno.mkdir(folderOf(file), { recursive: true, mode: 0o700 });
  }
  if (await exists(files.cert)) return await checkPeerFiles(files, log);
  const { publicKey, privateKey } = createKey();
  const from = await members();
  const { certificate, authorityCertificate, crl } = await from
    .peerCertificate({ publicKey }, { signal });
  await writeFileAtomic(files.crl, crl);
  await writeFileAtomic(files.ca, pem(authorityCertificate));
  await writeFileAtomic(files.key, privateKey);
  await writeFileAtomic(files.cert, pem(certificate));
  return new Uint8Array(authorityCertificate);
}

/**
 * Replaces the certificate of this node's etcd, for the same key, where it is not good for an address. etcd looks at
 * the file at every handshake.
 *
 * @param files Where it is.
 * @param address The address.
 * @param issue Gets a certificate, DER, for a public key, SPKI, DER.
 * @returns Whether there was a reason to.
 */
export async function renewPeerCertificate(
  files: EtcdFiles,
  address: string,
  issue: (publicKey: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>,
): Promise<boolean> {
  const current = await parse(files.cert, toCertificate);
  if (current.checkIP(address) !== undefined) return false;
  const publicKey = current.publicKey.export({ type: "spki", format: "der" });
  const certificate = await issue(new Uint8Array(publicKey));
  await writeFileAtomic(files.cert, pem(certificate));
  return true;
}

function createKey(): {
  publicKey: Uint8Array<ArrayBuffer>;
  privateKey: string;
} {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { publicKey: new Uint8Array(publicKey), privateKey };
}

/**
 * Checks what etcd needs to talk to its peers, on a node whose etcd has data. Changes nothing.
 *
 * A revocation list that is missing is no reason not to start: etcd refuses every peer that connects
 * until the list is back, which it is once this member answers. One that is damaged may be an attempt
 * to take back a revocation, and is not replaced before a person has seen it.
 *
 * @param files Where they are.
 * @param log Told of such a list.
 * @returns The certificate of the peer authority, DER.
 * @throws {FatalError} If another file is missing or damaged; the message names it.
 */
export async function checkPeerFiles(
  files: EtcdFiles,
  log: Logger,
): Promise<Uint8Array<ArrayBuffer>> {
  const authority = await parse(files.ca, toCertificate);
  const certificate = await parse(files.cert, toCertificate);
  const key = await parse(files.key, createPrivateKey);
  if (!certificate.verify(authority.publicKey)) {
    throw unusable(files.cert, `its issuer is not the one in "${files.ca}"`);
  }
  if (!certificate.checkPrivateKey(key)) {
    throw unusable(files.key, `it is not the key of "${files.cert}"`);
  }
  await checkRevocationList(files.crl, log);
  return new Uint8Array(authority.raw);
}

async function checkRevocationList(path: string, log: Logger): Promise<void> {
  let list: Uint8Array;
  try {
    list = await Deno.readFile(path);
  } catch (error) {
    log.warn(
      `Cannot read the revocation list "${path}": etcd refuses every peer that connects until it is written again`,
      { error },
    );
    return;
  }
  try {
    parseRevocationList(list);
  } catch (cause) {
    throw new FatalError(
      `Cannot start etcd with the revocation list "${path}": it is damaged; remove the file, and it is written again from the store`,
      { cause },
    );
  }
}

/** Whether a certificate of this authority is there, and with it all that was written before. */
async function isComplete(
  files: EtcdFiles,
  authority: Uint8Array,
): Promise<boolean> {
  try {
    if (!await exists(files.cert)) return false;
    const { raw } = await parse(files.ca, toCertificate);
    return raw.equals(authority);
  } catch {
    return false;
  }
}

async function parse<T>(
  path: string,
  parse: (content: Buffer) => T,
): Promise<T> {
  let content: Uint8Array;
  try {
    content = await Deno.readFile(path);
  } catch (cause) {
    throw unusable(path, "it cannot be read", cause);
  }
  try {
    return parse(Buffer.from(content));
  } catch (cause) {
    throw unusable(path, "it is damaged", cause);
  }
}

function toCertificate(content: Buffer): X509Certificate {
  return new X509Certificate(content);
}

function unusable(path: string, why: string, cause?: unknown): FatalError {
  return new FatalError(
    `Cannot start etcd with "${path}": ${why}; restore the file from a copy`,
    { cause },
  );
}

function pem(certificate: Uint8Array): string {
  return [
    "-----BEGIN CERTIFICATE-----",
    ...certificate.toBase64().match(/.{1,64}/g) ?? [],
    "-----END CERTIFICATE-----",
    "",
  ].join("\n");
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
