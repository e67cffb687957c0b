import {
  AuthorityName,
  type CallOptions,
  type Client,
  FatalError,
  type IssuedCertificate,
  type KeyValue,
  type kv,
  newestOf,
  parseRevocationList,
  type RevocationListContent,
  v,
} from "hamlet";
import { type Authority, importSigningKey } from "./authority.ts";
import type { Pending } from "./pending.ts";
import { CertificateRecord } from "./record.ts";
import { signRevocationList } from "./revocation_list.ts";
import { SealError, unseal } from "./seal.ts";

/** Where the authorities are kept. */
export type Store = Client<typeof kv>;
/** Both authorities, able to sign. */
export type Authorities = Readonly<Record<AuthorityName, Authority>>;

const PREFIXES: Record<AuthorityName, string> = {
  peer: "/etcd-ca/",
  cluster: "/cluster-ca/",
};
/** Records of certificates that are read at once, well below a gRPC message's 4 MiB. */
const PAGE = 1000;
/** etcd's default for `--max-txn-ops`. */
const OPERATIONS = 128;

const names = AuthorityName.options;
const certificateKey = (name: AuthorityName) => `${PREFIXES[name]}ca.der`;
const sealedKeyKey = (name: AuthorityName) => `${PREFIXES[name]}ca-key.der`;
const listKey = (name: AuthorityName) => `${PREFIXES[name]}crl.der`;
const recordPrefix = (name: AuthorityName) => `${PREFIXES[name]}certs/`;

/**
 * Writes both authorities, in one transaction that requires that there is none, and registers what
 * they issued. May be repeated after a crash or an unknown outcome.
 *
 * @param store The store.
 * @param pending The authorities.
 * @param options To cancel it.
 * @throws {FatalError} If the cluster has other authorities.
 */
export async function commitPending(
  store: Store,
  pending: Pending,
  options: CallOptions,
): Promise<void> {
  const committed = await store.txn({
    compare: names.map((name) => ({
      key: certificateKey(name),
      target: "create",
      is: "=",
      than: 0,
    })),
    success: names.flatMap((name) => [
      {
        put: {
          key: certificateKey(name),
          value: pending[name].authority.certificate,
        },
      },
      { put: { key: sealedKeyKey(name), value: pending[name].sealedKey } },
      { put: { key: listKey(name), value: pending[name].revocationList } },
    ]),
  }, options);
  if (!committed.succeeded) {
    // An earlier commit may have been applied without our being told. This one changes nothing, and
    // writes: that is what tells the store that it is worth keeping (see the scope `founder`).
    const ours = await store.txn({
      compare: names.map((name) => ({
        key: certificateKey(name),
        target: "value",
        is: "=",
        than: pending[name].authority.certificate,
      })),
      success: names.map((name) => ({
        put: {
          key: certificateKey(name),
          value: pending[name].authority.certificate,
        },
      })),
    }, options);
    if (!ours.succeeded) {
      throw new FatalError(
        "Cannot commit this node's new authorities: the cluster has others already; restore the node's ca folder, or empty its data folder and join it again",
      );
    }
  }
  const puts = names.flatMap((name) =>
    Array.from(pending[name].certificates, ([serial, record]) => ({
      put: { key: recordPrefix(name) + serial, value: encodeRecord(record) },
    }))
  );
  for (let start = 0; start < puts.length; start += OPERATIONS) {
    const success = puts.slice(start, start + OPERATIONS);
    await store.txn({ success }, options);
  }
}

/**
 * Reads both authorities.
 *
 * @param store The store.
 * @param sealKey Opens their private keys.
 * @param options To cancel it.
 * @returns The authorities.
 * @throws {FatalError} If they are not there, or the seal key is another one.
 */
export async function loadAuthorities(
  store: Store,
  sealKey: Uint8Array<ArrayBuffer>,
  options: CallOptions,
): Promise<Authorities> {
  const load = async (name: AuthorityName): Promise<Authority> => {
    const { ranges } = await store.txn({
      success: [
        { range: { key: certificateKey(name) } },
        { range: { key: sealedKeyKey(name) } },
      ],
    }, options);
    const [certificate, sealedKey] = ranges.map(([kv]) => kv?.value);
    if (!certificate || !sealedKey) {
      throw new FatalError(
        `Cannot load the ${name} authority: this node has its seal key, and etcd has nothing under "${
          PREFIXES[name]
        }"; restore etcd from a snapshot, or start a new cluster with an empty data folder`,
      );
    }
    try {
      const privateKey = await unseal(sealKey, sealedKey, {
        name,
        certificate,
      });
      return {
        name,
        certificate,
        signingKey: await importSigningKey(privateKey),
      };
    } catch (cause) {
      if (!(cause instanceof SealError)) throw cause;
      throw new FatalError(
        `${cause.message}; copy ca/seal.key from another member, or from a backup`,
        { cause },
      );
    }
  };
  return { peer: await load("peer"), cluster: await load("cluster") };
}

/**
 * Registers a certificate.
 *
 * @param store The store.
 * @param name Who issued it.
 * @param serial Its serial number.
 * @param record What is registered of it.
 * @param options To cancel it.
 */
export async function register(
  store: Store,
  name: AuthorityName,
  serial: string,
  record: CertificateRecord,
  options: CallOptions,
): Promise<void> {
  const key = recordPrefix(name) + serial;
  await store.put({ key, value: encodeRecord(record) }, options);
}

/** A revocation list as it is in the store. */
export interface StoredList {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly content: RevocationListContent;
  /** The revision at which it was written. */
  readonly modRevision: number;
}

/**
 * Reads the newest revocation list.
 *
 * @param store The store.
 * @param name Whose.
 * @param options To cancel it.
 * @returns The list.
 * @throws {Error} If there is none, which only somebody who deletes keys by hand can bring about.
 */
export async function readList(
  store: Store,
  name: AuthorityName,
  options: CallOptions,
): Promise<StoredList> {
  const key = listKey(name);
  const { kvs: [found] } = await store.range({ key }, options);
  return storedList(key, found);
}

function storedList(key: string, found: KeyValue | undefined): StoredList {
  if (!found) {
    throw new Error(
      `Cannot read the revocation list: nothing is under "${key}"`,
    );
  }
  const { value: der, modRevision } = found;
  return { der, content: parseRevocationList(der), modRevision };
}

/**
 * Follows the revocation list.
 *
 * @param store The store.
 * @param name Whose.
 * @param options To cancel it.
 * @returns The newest list, then each newer one.
 */
export async function* watchList(
  store: Store,
  name: AuthorityName,
  options: CallOptions,
): AsyncGenerator<StoredList> {
  const key = listKey(name);
  let seen = 0;
  for await (const change of store.watch({ key }, options)) {
    const list = storedList(key, newestOf(change));
    // What is known comes again where changes were compacted away.
    if (list.modRevision === seen) continue;
    seen = list.modRevision;
    yield list;
  }
}

/**
 * Lists every certificate of an authority.
 *
 * @param store The store.
 * @param name The authority.
 * @param options To cancel it.
 * @returns In the order in which they were registered.
 */
export async function listCertificates(
  store: Store,
  name: AuthorityName,
  options: CallOptions,
): Promise<IssuedCertificate[]> {
  const prefix = recordPrefix(name);
  const found: KeyValue[] = [];
  for await (const page of pages(store, prefix, options)) found.push(...page);
  // Read last: whoever was revoked by the time of the call is on it.
  const { content } = await readList(store, name, options);
  const revoked = new Set(
    Iterator.from(content.revoked).map(({ serial }) => serial),
  );
  return found
    .sort((a, b) => a.createRevision - b.createRevision)
    .map(({ key, value }) => {
      const serial = key.slice(prefix.length);
      return {
        authority: name,
        serial,
        ...decodeRecord(value),
        revoked: revoked.has(serial),
      };
    });
}

/**
 * Finds certificates of an authority, revoked or not, and keeps no other in memory meanwhile.
 *
 * @param store The store.
 * @param name The authority.
 * @param wanted What they are issued to, or which one it is.
 * @param options To cancel it.
 * @returns Their serials.
 */
export async function findSerials(
  store: Store,
  name: AuthorityName,
  wanted: { readonly name: string } | { readonly serial: string },
  options: CallOptions,
): Promise<string[]> {
  const prefix = recordPrefix(name);
  if ("serial" in wanted) {
    const { serial } = wanted;
    const { kvs } = await store.range({ key: prefix + serial }, options);
    return kvs.map(() => serial);
  }
  const serials: string[] = [];
  for await (const page of pages(store, prefix, options)) {
    for (const { key, value } of page) {
      if (decodeRecord(value).name !== wanted.name) continue;
      serials.push(key.slice(prefix.length));
    }
  }
  return serials;
}

/** All that is under a prefix, a part at a time, in the order of the keys. */
async function* pages(
  store: Store,
  prefix: string,
  options: CallOptions,
): AsyncGenerator<KeyValue[]> {
  for (let from = prefix, more = true; more;) {
    const page = await store.range({ prefix, from, limit: PAGE }, options);
    yield page.kvs;
    more = page.more;
    // No key lies between another and the same with a zero behind it.
    from = `${page.kvs.at(-1)?.key ?? from}\0`;
  }
}

/**
 * Puts certificates on the revocation list. Two at once, on any nodes, both end up on it: each
 * replaces exactly the list that it read, and starts again with the newer one if it comes second.
 *
 * @param store The store.
 * @param authority Who signs the list.
 * @param serials The certificates.
 * @param options To cancel it.
 * @returns Those that were not on it before.
 */
export async function revokeSerials(
  store: Store,
  authority: Authority,
  serials: readonly string[],
  options: CallOptions,
): Promise<string[]> {
  const key = listKey(authority.name);
  for (;;) {
    const { content, modRevision } = await readList(
      store,
      authority.name,
      options,
    );
    const added = serials.filter((serial) => !content.revoked.has(serial));
    if (added.length === 0) return [];
    const revokedAt = new Date();
    const value = await signRevocationList(authority, {
      number: content.number + 1,
      earlier: content.revoked,
      revoked: added.map((serial) => ({ serial, revokedAt })),
    });
    const { succeeded } = await store.txn({
      compare: [{ key, target: "mod", is: "=", than: modRevision }],
      success: [{ put: { key, value } }],
    }, options);
    if (succeeded) return added;
  }
}

function encodeRecord(record: CertificateRecord): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(record));
}

function decodeRecord(value: Uint8Array): CertificateRecord {
  return v.parse(
    CertificateRecord,
    JSON.parse(new TextDecoder().decode(value)),
  );
}
