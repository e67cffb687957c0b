import { v } from "hamlet";

/**
 * What is registered of a certificate, under its serial number. Whether it is revoked, the
 * revocation list alone says.
 */
export const CertificateRecord = v.strictObject({
  name: v.string(),
  addresses: v.array(v.string()),
  /** ISO 8601, by the clock of the node that issued it. */
  issuedAt: v.string(),
});
/** What is registered of a certificate. */
export type CertificateRecord = v.InferOutput<typeof CertificateRecord>;
