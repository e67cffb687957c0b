import { AuthorityName, v, writeFileAtomic } from "hamlet";
import {
  type Authority,
  createAuthority,
  importSigningKey,
} from "./authority.ts";
import { CertificateRecord } from "./record.ts";
import { signRevocationList } from "./revocation_list.ts";
import { seal, unseal } from "./seal.ts";

/** An authority that is not in etcd yet. */
export interface PendingAuthority {
  readonly authority: Authority;
  /** Its private key, sealed. */
  readonly sealedKey: Uint8Array<ArrayBuffer>;
  /** Its first revocation list, DER, on which nobody is. */
  readonly revocationList: Uint8Array<ArrayBuffer>;
  /** What it issued, by serial. */
  readonly certificates: ReadonlyMap<string, CertificateRecord>;
}

/** Both authorities while they are not in etcd yet. */
export type Pending = Readonly<Record<AuthorityName, PendingAuthority>>;

const base64 = v.pipe(
  v.string(),
  v.base64(),
  v.transform((text) => Uint8Array.fromBase64(text)),
);

const PendingRecord = v.strictObject({
  certificate: base64,
  sealedKey: base64,
  revocationList: base64,
  certificates: v.record(v.string(), CertificateRecord),
});

const PendingFile = v.strictObject({
  peer: PendingRecord,
  cluster: PendingRecord,
});

/**
 * Makes both authorities.
 *
 * @param sealKey Seals their private keys.
 * @returns What is to be written before anything of it is handed out.
 */
export async function createPending(
  sealKey: Uint8Array<ArrayBuffer>,
): Promise<Pending> {
  const create = async (name: AuthorityName): Promise<PendingAuthority> => {
    const { authority, privateKey } = await createAuthority(name);
    return {
      authority,
      sealedKey: await seal(sealKey, privateKey, authority),
      revocationList: await signRevocationList(authority, {
        number: 1,
        revoked: [],
      }),
      certificates: new Map(),
    };
  };
  return { peer: await create("peer"), cluster: await create("cluster") };
}

/**
 * Adds a certificate.
 *
 * @param pending The authorities as they were.
 * @param name Who issued it.
 * @param serial Its serial number.
 * @param record What is registered of it.
 * @returns The authorities as they are to be written.
 */
export function withCertificate(
  pending: Pending,
  name: AuthorityName,
  serial: string,
  record: CertificateRecord,
): Pending {
  const { certificates, ...rest } = pending[name];
  return {
    ...pending,
    [name]: {
      ...rest,
      certificates: new Map(certificates).set(serial, record),
    },
  };
}

/**
 * Writes the authorities to disk.
 *
 * @param path The file.
 * @param pending The authorities.
 */
export async function writePending(
  path: string,
  pending: Pending,
): Promise<void> {
  const encode = (one: PendingAuthority) => ({
    certificate: one.authority.certificate.toBase64(),
    sealedKey: one.sealedKey.toBase64(),
    revocationList: one.revocationList.toBase64(),
    certificates: Object.fromEntries(one.certificates),
  });
  await writeFileAtomic(
    path,
    JSON.stringify({
      peer: encode(pending.peer),
      cluster: encode(pending.cluster),
    }),
  );
}

/**
 * Reads what {@linkcode writePending} wrote.
 *
 * @param text The file's content.
 * @param sealKey Opens the private keys.
 * @returns The authorities.
 * @throws {SealError} If the seal key is another one.
 * @throws {SyntaxError | v.ValiError} If it is not such a file.
 */
export async function readPending(
  text: string,
  sealKey: Uint8Array<ArrayBuffer>,
): Promise<Pending> {
  const file = v.parse(PendingFile, JSON.parse(text));
  const decode = async (name: AuthorityName): Promise<PendingAuthority> => {
    const { certificate, sealedKey, revocationList, certificates } = file[name];
    const privateKey = await unseal(sealKey, sealedKey, { name, certificate });
    return {
      authority: {
        name,
        certificate,
        signingKey: await importSigningKey(privateKey),
      },
      sealedKey,
      revocationList,
      certificates: new Map(Object.entries(certificates)),
    };
  };
  return { peer: await decode("peer"), cluster: await decode("cluster") };
}
