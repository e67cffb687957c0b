import { CertificateRole, v } from "hamlet";

/**
 * What is registered of a certificate, under its serial number. Whether it is revoked, the
 * revocation list alone says.
 */
export const CertificateRecord = v.object({
  name: v.string(),
  addresses: v.array(v.string()),
  /** What a certificate of the cluster authority says that it is. */
  role: v.optional(CertificateRole),
  /** ISO 8601, by the clock of the node that issued it. */
  issuedAt: v.string(),
});
/** What is registered of a certificate. */
export type CertificateRecord = v.InferOutput<typeof CertificateRecord>;
