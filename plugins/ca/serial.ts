/**
 * Makes a certificate serial number (RFC 5280, 4.1.2.2; the CA/Browser Forum asks for 64 random
 * bits): 128 bits of which 126 are random. The first two are `01`, so that it is positive and has
 * the same 32 digits in DER, in a key of etcd and in the output of every tool.
 *
 * @returns Lower-case hex.
 */
export function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes.toHex();
}
