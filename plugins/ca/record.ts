import { z } from "hamlet";

/**
 * What is registered of a certificate, under its serial number. Whether it is revoked, the
 * revocation list alone says.
 */
export const CertificateRecord = z.strictObject({
  name: z.string(),
  addresses: z.array(z.string()),
  /** ISO 8601, by the clock of the node that issued it. */
  issuedAt: z.string(),
});
/** What is registered of a certificate. */
export type CertificateRecord = z.infer<typeof CertificateRecord>;
