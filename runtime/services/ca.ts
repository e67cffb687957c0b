import * as v from "valibot";
import { call, defineService, stream } from "../service/contract.ts";
import { Bytes, Integer, IpAddress } from "../service/values.ts";

/**
 * `peer` signs the etcd certificates of members and nothing else: whoever holds one owns the store.
 * `cluster` signs node identities and operators' certificates.
 */
export const AuthorityName = v.picklist(["peer", "cluster"]);
/** One of the two authorities. */
export type AuthorityName = v.InferOutput<typeof AuthorityName>;

/** What a certificate of the cluster authority says that who has it is. */
export const CertificateRole = v.picklist(["operator", "member", "worker"]);
/** What a certificate of the cluster authority says that who has it is. */
export type CertificateRole = v.InferOutput<typeof CertificateRole>;

/** A certificate's serial number in lower-case hex, no leading zero byte. */
const serial = v.pipe(v.string(), v.regex(/^[0-9a-f]{1,40}$/));

/** A certificate that was issued and registered. */
export const IssuedCertificate = v.object({
  authority: AuthorityName,
  serial,
  name: v.string(),
  addresses: v.array(v.string()),
  /** What it says that who has it is; of the cluster authority's alone. */
  role: v.optional(CertificateRole),
  /** ISO 8601, by the clock of the node that issued it. */
  issuedAt: v.string(),
  revoked: v.boolean(),
});
/** A certificate that was issued and registered. */
export type IssuedCertificate = v.InferOutput<typeof IssuedCertificate>;

/** A certificate revocation list (RFC 5280, section 5) with its number. */
export const RevocationList = v.object({
  authority: AuthorityName,
  der: Bytes,
  number: Integer,
});

/** The cluster's certificate authorities. */
export const ca = defineService({
  name: "ca",
  scope: v.undefined(),
  methods: {
    /** The authority's own certificate, DER. */
    authority: call(
      v.strictObject({ authority: AuthorityName }),
      v.object({ certificate: Bytes }),
    ),
    /**
     * Issues a certificate and registers it before it is handed out. Without `publicKey` (SPKI,
     * DER) a key pair is made and its private key (PKCS #8, DER) returned, never kept.
     */
    issue: call(
      v.strictObject({
        authority: AuthorityName,
        name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
        addresses: v.pipe(v.array(IpAddress), v.maxLength(16)),
        publicKey: v.optional(Bytes),
        /** Who the holder is to the cluster authority; `operator` unless it is a node's identity. */
        role: v.optional(CertificateRole, "operator"),
      }),
      v.object({
        serial,
        certificate: Bytes,
        privateKey: v.optional(Bytes),
        authorityCertificate: Bytes,
      }),
    ),
    /** Every certificate issued, oldest first within an authority. */
    list: call(
      v.strictObject({}),
      v.object({ certificates: v.array(IssuedCertificate) }),
    ),
    /** Revokes every certificate of that name, or the one of that serial; returns once the list is committed. */
    revoke: call(
      v.union([
        v.strictObject({
          name: v.string(),
          authority: v.optional(AuthorityName),
        }),
        v.strictObject({ serial, authority: v.optional(AuthorityName) }),
      ]),
      v.object({
        revoked: v.array(v.object({ authority: AuthorityName, serial })),
      }),
    ),
    /** The newest revocation list. */
    crl: call(v.strictObject({ authority: AuthorityName }), RevocationList),
    /** The newest revocation list, then each newer one. */
    watchCrl: stream(
      v.strictObject({ authority: AuthorityName }),
      RevocationList,
    ),
    /** Resolves once the authorities are in etcd and the pending ones are gone from disk. */
    committed: call(v.strictObject({}), v.object({})),
    /** The key that opens the seals of both authorities: for a node that becomes a member, nobody else. */
    sealKey: call(v.strictObject({}), v.object({ key: Bytes })),
  },
});
