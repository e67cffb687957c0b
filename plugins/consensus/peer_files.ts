import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  generateKeyPairSync,
  X509Certificate,
} from "node:crypto";
import {
  type ca,
  type Client,
  FatalError,
  type Logger,
  parseRevocationList,
  writeFileAtomic,
} from "hamlet";
import type { EtcdFiles } from "./etcd_files.ts";

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

  const { publicKey, privateKey } = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const [{ certificate }] = await Promise.all([
    authorities.issue({
      ...peer,
      name,
      addresses: [address],
      publicKey: new Uint8Array(publicKey),
    }, { signal }),
    list,
    writeFileAtomic(files.ca, pem(authority)),
    writeFileAtomic(files.key, privateKey),
  ]);
  await writeFileAtomic(files.cert, pem(certificate));
  return new Uint8Array(authority);
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
    await Deno.stat(files.cert);
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
