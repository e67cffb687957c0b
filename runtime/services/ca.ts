import { z } from "zod";
import { call, defineService, stream } from "../service/contract.ts";

/**
 * `peer` signs the etcd certificates of members and nothing else: whoever holds one owns the store.
 * `cluster` signs node identities and operators' certificates.
 */
export const AuthorityName = z.enum(["peer", "cluster"]);
/** One of the two authorities. */
export type AuthorityName = z.infer<typeof AuthorityName>;

const bytes = z.instanceof(Uint8Array);
/** A certificate's serial number in lower-case hex, no leading zero byte. */
const serial = z.string().regex(/^[0-9a-f]{1,40}$/);

/** A certificate that was issued and registered. */
export const IssuedCertificate = z.object({
  authority: AuthorityName,
  serial,
  name: z.string(),
  addresses: z.array(z.string()),
  /** ISO 8601, by the clock of the node that issued it. */
  issuedAt: z.string(),
  revoked: z.boolean(),
});
/** A certificate that was issued and registered. */
export type IssuedCertificate = z.infer<typeof IssuedCertificate>;

/** A certificate revocation list (RFC 5280, section 5) with its number. */
export const RevocationList = z.object({
  authority: AuthorityName,
  der: bytes,
  number: z.int(),
});

/** The cluster's certificate authorities. */
export const ca = defineService({
  name: "ca",
  scope: z.undefined(),
  methods: {
    /** The authority's own certificate, DER. */
    authority: call(
      z.strictObject({ authority: AuthorityName }),
      z.object({ certificate: bytes }),
    ),
    /**
     * Issues a certificate and registers it before it is handed out. Without `publicKey` (SPKI,
     * DER) a key pair is made and its private key (PKCS #8, DER) returned, never kept.
     */
    issue: call(
      z.strictObject({
        authority: AuthorityName,
        name: z.string().min(1).max(64),
        addresses: z.array(z.union([z.ipv4(), z.ipv6()])).max(16),
        publicKey: bytes.optional(),
        /** Who the holder is to the cluster authority; `operator` unless it is a node's identity. */
        role: z.enum(["operator", "member", "worker"]).default("operator"),
      }),
      z.object({
        serial,
        certificate: bytes,
        privateKey: bytes.optional(),
        authorityCertificate: bytes,
      }),
    ),
    /** Every certificate issued, oldest first within an authority. */
    list: call(
      z.strictObject({}),
      z.object({ certificates: z.array(IssuedCertificate) }),
    ),
    /** Revokes every certificate of that name, or the one of that serial; returns once the list is committed. */
    revoke: call(
      z.union([
        z.strictObject({
          name: z.string(),
          authority: AuthorityName.optional(),
        }),
        z.strictObject({ serial, authority: AuthorityName.optional() }),
      ]),
      z.object({
        revoked: z.array(z.object({ authority: AuthorityName, serial })),
      }),
    ),
    /** The newest revocation list. */
    crl: call(z.strictObject({ authority: AuthorityName }), RevocationList),
    /** The newest revocation list, then each newer one. */
    watchCrl: stream(
      z.strictObject({ authority: AuthorityName }),
      RevocationList,
    ),
    /** Resolves once the authorities are in etcd and the pending ones are gone from disk. */
    committed: call(z.strictObject({}), z.object({})),
    /** The key that opens the seals of both authorities: for a node that becomes a member, nobody else. */
    sealKey: call(z.strictObject({}), z.object({ key: bytes })),
  },
});
