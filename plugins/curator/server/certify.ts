import type { AuthorityName, ca, CallOptions, Client, Role } from "hamlet";
import type { NodeRecord } from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { type NodesStore, unknownNode } from "./nodes_store.ts";

/** Options of {@linkcode certify}. */
export interface CertifyOptions {
  readonly authorities: Client<typeof ca>;
  readonly nodes: NodesStore;
  readonly authority: AuthorityName;
  /** Ed25519, SPKI, DER. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** What a certificate of the cluster authority says. */
  readonly role?: Role;
  /**
   * Refuses a node that gets none.
   *
   * @throws {RpcError} If it is such a node.
   */
  refuse(record: NodeRecord): void;
}

/**
 * Issues a certificate to a node. Whoever takes a node out marks it first and revokes its certificates then, and would
 * miss one that is issued meanwhile: so the node is looked at again before it gets it.
 *
 * @param record The node.
 * @param options See {@linkcode CertifyOptions}.
 * @param call To cancel it.
 * @returns The certificates of the node and of the authority.
 * @throws {RpcError} If the node gets none.
 */
export async function certify(
  record: NodeRecord,
  { authorities, nodes, authority, publicKey, role, refuse }: CertifyOptions,
  call: CallOptions,
): Promise<{
  certificate: Uint8Array<ArrayBuffer>;
  authorityCertificate: Uint8Array<ArrayBuffer>;
}> {
  refuse(record);
  const { serial, certificate, authorityCertificate } = await authorities
    .issue({
      authority,
      name: record.id,
      addresses: record.addresses,
      publicKey,
      ...role !== undefined && { role },
    }, call);
  try {
    const now = await nodes.read(record.id, call);
    if (!now) throw unknownNode(record.id);
    refuse(now.record);
  } catch (error) {
    // Nobody has it; it only is not to be listed as one that somebody may have.
    await authorities.revoke({ authority, serial }, {}).catch(() => {});
    throw error;
  }
  return {
    certificate: new Uint8Array(certificate),
    authorityCertificate: new Uint8Array(authorityCertificate),
  };
}
