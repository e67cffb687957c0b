/**
 * Writes bytes as PEM (RFC 7468).
 *
 * @param label Such as `CERTIFICATE`.
 * @param der The bytes.
 * @returns The text, with its final newline.
 */
export function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
