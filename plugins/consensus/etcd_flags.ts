import type { NodeInfo } from "hamlet";
import { type EtcdFiles, SOCKET_NAME } from "./etcd_files.ts";
import type { EtcdVersion } from "./etcd_version.ts";

/** What etcd's arguments depend on. */
export interface EtcdFlagsOptions {
  readonly node: NodeInfo;
  readonly files: EtcdFiles;
  readonly version: EtcdVersion;
  /** Tells the clusters apart that could ever meet; see {@linkcode clusterToken}. */
  readonly token: string;
  /** Whether etcd's data is to be made: else etcd must find it. */
  readonly newCluster: boolean;
  /** Bytes of the database after which etcd refuses writes. */
  readonly backendQuota: number;
}

/**
 * Makes etcd's arguments. `deno.json` has their patterns: what is added here is to be added there.
 *
 * @param options See {@linkcode EtcdFlagsOptions}.
 * @returns The arguments.
 */
export function etcdFlags(options: EtcdFlagsOptions): string[] {
  const { node, files, version, token, newCluster, backendQuota } = options;
  const advertised = peerUrl(peerAddress(node), node.peerPort);
  return [
    `--name=${node.id}`,
    `--data-dir=${files.data}`,

    `--listen-peer-urls=${peerUrl(node.listen, node.peerPort)}`,
    // Only a member without data looks at these four.
    `--initial-advertise-peer-urls=${advertised}`,
    `--initial-cluster=${node.id}=${advertised}`,
    `--initial-cluster-token=${token}`,
    `--initial-cluster-state=${newCluster ? "new" : "existing"}`,

    `--listen-client-urls=unix://${SOCKET_NAME}`,
    `--advertise-client-urls=unix://${SOCKET_NAME}`,

    "--peer-client-cert-auth",
    `--peer-trusted-ca-file=${files.ca}`,
    `--peer-cert-file=${files.cert}`,
    `--peer-key-file=${files.key}`,
    `--peer-crl-file=${files.crl}`,
    // A certificate is good for its authority and its serial, not for where it comes from: the
    // comparison with the TCP source would lock out a member that moved.
    version.minor < 6 && version.major === 3
      ? "--experimental-peer-skip-client-san-verification"
      : "--peer-skip-client-san-verification",

    // As long as somebody who was away may want to go on from where he was.
    "--auto-compaction-mode=periodic",
    "--auto-compaction-retention=5m",
    `--quota-backend-bytes=${backendQuota}`,

    // 3.4 would still write its old format.
    "--logger=zap",
    "--log-outputs=stderr",
  ];
}

/**
 * Tells under which address the others find this node's etcd.
 *
 * @param node The node.
 * @returns What the operator says, or what etcd listens on; where that is every address and nobody
 * says which one is meant, the loopback address: nobody else is there to ask yet.
 */
export function peerAddress({ advertise, listen }: NodeInfo): string {
  if (advertise !== undefined) return advertise;
  if (listen === "0.0.0.0") return "127.0.0.1";
  return listen === "::" ? "::1" : listen;
}

/**
 * Derives the cluster's token: members of different authorities never take each other for their own.
 *
 * @param authority The certificate of the peer authority, DER.
 * @returns The token.
 */
export async function clusterToken(
  authority: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", authority);
  return `hamlet-${new Uint8Array(digest, 0, 16).toHex()}`;
}

function peerUrl(address: string, port: number): string {
  return `https://${address.includes(":") ? `[${address}]` : address}:${port}`;
}
