import type { NodeInfo } from "hamlet";
import { type EtcdFiles, SOCKET_NAME } from "./etcd_files.ts";
import type { EtcdVersion } from "./etcd_version.ts";

/** A member as etcd's `--initial-cluster` has it. */
export interface PeerMember {
  /** The node ID. */
  readonly name: string;
  readonly peerURL: string;
}

/** What etcd's arguments depend on. */
export interface EtcdFlagsOptions {
  readonly node: NodeInfo;
  readonly files: EtcdFiles;
  readonly version: EtcdVersion;
  /** Tells the clusters apart that could ever meet; see {@linkcode clusterToken}. */
  readonly token: string;
  /** Where the others find this node's etcd. */
  readonly peerURL: string;
  /** What becomes of an etcd without data: the first of a new cluster, or one more of those that are there. */
  readonly state: "new" | "existing";
  /** Who else is a member, where an etcd without data is one more of them. @default nobody */
  readonly others?: readonly PeerMember[];
  /** Whether etcd is to forget all other members for good. @default false */
  readonly forceNewCluster?: boolean;
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
  const { node, files, version, token, peerURL, state, backendQuota } = options;
  const { others = [], forceNewCluster = false } = options;
  const members = [{ name: node.id, peerURL }, ...others];
  return [
    `--name=${node.id}`,
    `--data-dir=${files.data}`,

    `--listen-peer-urls=${peerUrl(node.listen, node.peerPort)}`,
    // Only a member without data looks at these four.
    `--initial-advertise-peer-urls=${peerURL}`,
    `--initial-cluster=${
      members.map(({ name, peerURL }) => `${name}=${peerURL}`).join()
    }`,
    `--initial-cluster-token=${token}`,
    `--initial-cluster-state=${state}`,
    ...forceNewCluster ? ["--force-new-cluster"] : [],

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
 * @param found Its addresses as far as they are known, the preferred one first.
 * @returns What the operator says, or what etcd listens on; where that is every address, the preferred one; undefined
 * where there is none yet.
 */
export function peerAddress(
  { advertise, listen }: NodeInfo,
  found: readonly string[],
): string | undefined {
  if (advertise !== undefined) return advertise;
  return listen === "0.0.0.0" || listen === "::" ? found[0] : listen;
}

/**
 * Stands in for the address of a lone member that has none yet.
 *
 * @param node The node.
 * @returns The loopback address.
 */
export function loopback({ listen }: NodeInfo): string {
  return listen.includes(":") ? "::1" : "127.0.0.1";
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

/**
 * Writes the URL of an etcd among its peers.
 *
 * @param address An IP address.
 * @param port The port.
 * @returns The URL.
 */
export function peerUrl(address: string, port: number): string {
  return `https://${address.includes(":") ? `[${address}]` : address}:${port}`;
}
