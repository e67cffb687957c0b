/**
 * Writes a certificate's serial number as revocation lists have it.
 *
 * @param serial Hex as TLS libraries print it.
 * @returns Lower-case hex, no leading zero byte.
 */
export function normalizeSerial(serial: string): string {
  const digits = serial.toLowerCase().replace(/^(?:00)+/, "");
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}
