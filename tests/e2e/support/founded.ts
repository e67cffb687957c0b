import assert from "node:assert/strict";
import { parseRevocationList } from "../../../runtime/pki/revocation_list.ts";
import { readKeys } from "./etcdctl.ts";
import type { NodeFolders } from "./node_process.ts";
import {
  fingerprintOf,
  openssl,
  serialOf,
  verifyCertificate,
  verifyList,
} from "./openssl.ts";

/** What a node has made known of itself and its authorities, and may therefore never change. */
export interface MadeKnown {
  /** The private key of the node. */
  readonly key?: string;
  /** SHA-256 of the certificates of authorities. */
  readonly authorities: ReadonlySet<string>;
  /** Serial numbers of certificates that are in use. */
  readonly serials: ReadonlySet<string>;
}

/**
 * Reads from the disk of a node that does not run what it has made known.
 *
 * @param folders The node.
 * @returns As much as a crash has left.
 */
export async function readMadeKnown(
  { data }: NodeFolders,
): Promise<MadeKnown> {
  const authorities = new Set<string>();
  const serials = new Set<string>();
  for (const name of ["etcd/peer-pki", "identity"]) {
    if (await exists(`${data}/${name}/ca.pem`)) {
      authorities.add(await fingerprintOf(`${data}/${name}/ca.pem`));
    }
    if (await exists(`${data}/${name}/cert.pem`)) {
      serials.add(await serialOf(`${data}/${name}/cert.pem`));
    }
  }
  const key = await readIfThere(`${data}/identity/key.pem`);
  return { authorities, serials, ...key !== undefined && { key } };
}

/**
 * Checks a ready node: one peer authority, in etcd and on disk the same; certificates and lists that
 * openssl verifies and that are registered; nothing forgotten.
 *
 * @param folders The node.
 * @param before What it had made known earlier.
 */
export async function checkFounded(
  folders: NodeFolders,
  before: MadeKnown = { authorities: new Set(), serials: new Set() },
): Promise<void> {
  const { data } = folders;
  const keys = await readKeys(folders, "/");
  const value = (key: string) => {
    const found = keys.get(key);
    assert.ok(found, `Nothing is under "${key}"`);
    return found;
  };

  const files = {
    etcd: `${data}/etcd/peer-pki`,
    list: `${data}/etcd/peer-crl`,
  };
  const now = await readMadeKnown(folders);
  const stored = new Set([
    await sha256(value("/etcd-ca/ca.der")),
    await sha256(value("/cluster-ca/ca.der")),
  ]);
  assert.equal(stored.size, 2);
  assert.ok(
    stored.has(await fingerprintOf(`${files.etcd}/ca.pem`)),
    "The authority on disk is not the one in etcd",
  );
  for (const one of [...before.authorities, ...now.authorities]) {
    assert.ok(stored.has(one), `Authority ${one} was made known and is lost`);
  }
  assert.ok(now.key);
  if (before.key !== undefined) assert.equal(now.key, before.key);

  const registered = [...keys.keys()].flatMap((key) =>
    key.match(/^\/(?:etcd|cluster)-ca\/certs\/(.*)$/)?.slice(1) ?? []
  );
  for (const serial of [...before.serials, ...now.serials]) {
    assert.ok(
      registered.includes(serial),
      `Certificate ${serial} is in use and not registered`,
    );
  }

  await verifyCertificate(`${files.etcd}/cert.pem`, `${files.etcd}/ca.pem`);
  assert.equal(
    await openssl("pkey", "-in", `${files.etcd}/key.pem`, "-pubout"),
    await openssl(
      ...["x509", "-in", `${files.etcd}/cert.pem`, "-noout", "-pubkey"],
    ),
  );
  await verifyList(`${files.list}/crl.der`, `${files.etcd}/ca.pem`);
  for (
    const [key, path] of [
      ["/etcd-ca/crl.der", `${files.list}/crl.der`],
      ["/cluster-ca/crl.der", `${data}/identity/crl.der`],
    ] as const
  ) {
    assert.deepEqual(await Deno.readFile(path), value(key));
    assert.ok(parseRevocationList(value(key)).number >= 1);
  }
}

/**
 * Finds what is only there while something is being written, or while the authorities are not in etcd.
 *
 * @param folders A node that has ended in order.
 * @returns The paths.
 */
export async function unfinished({ data }: NodeFolders): Promise<string[]> {
  const paths = await filesBelow(data);
  return paths.filter((path) => /\.new$|pending\.json$/.test(path));
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await filesBelow(path));
    else found.push(path);
  }
  return found;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return await readIfThere(path) !== undefined;
}
