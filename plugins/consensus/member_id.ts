/**
 * Writes one of etcd's 64-bit IDs as etcdctl does.
 *
 * @param decimal As etcd3 has it.
 * @returns The same in hex.
 */
export function toHex(decimal: string): string {
  return BigInt(decimal).toString(16);
}

/**
 * Reads an ID as etcdctl writes it.
 *
 * @param hex Up to 16 hex digits.
 * @returns The same as etcd3 wants it.
 */
export function toDecimal(hex: string): string {
  return BigInt(`0x${hex}`).toString();
}
