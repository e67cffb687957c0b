import { Code, RpcError } from "../grpc/rpc_error.ts";

/** What stands before the 32 bytes of an Ed25519 key as SPKI (RFC 8410, section 4). */
const SPKI_HEAD = "302a300506032b6570032100";

/**
 * Derives the node ID of a key.
 *
 * @param publicKey Ed25519, SPKI, DER.
 * @returns `hamlet-` and the first 16 bytes of the key in hex.
 * @throws {RpcError} If it is no such key.
 */
export function nodeIdOf(publicKey: Uint8Array): string {
  const head = publicKey.subarray(0, SPKI_HEAD.length / 2).toHex();
  if (publicKey.length !== 44 || head !== SPKI_HEAD) {
    throw new RpcError(
      Code.INVALID_ARGUMENT,
      `Cannot use a public key of ${publicKey.length} bytes: it is not an Ed25519 key as SPKI`,
    );
  }
  return `hamlet-${publicKey.subarray(12, 28).toHex()}`;
}
