import type { NodeInfo } from "hamlet";

/** Where everything of etcd is on this node; all paths are absolute. */
export interface EtcdFiles {
  /** etcd's own data. */
  readonly data: string;
  /** The folder of its log, in there. */
  readonly log: string;
  /** Exists once that data is to be kept. */
  readonly bootstrapped: string;
  /** What the data is of; see `KnownClusterVersion`. */
  readonly clusterVersion: string;
  /**
   * Of a member that joins: the peer URL it is added with. Of no meaning once `bootstrapped` exists.
   */
  readonly joining: string;
  /** Who the members were when etcd answered last. */
  readonly members: string;
  /** The certificate of the peer authority. */
  readonly ca: string;
  /** The node's certificate for etcd's peers. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
  /** The peer authority's revocation list, DER. */
  readonly crl: string;
  /** etcd's working folder. */
  readonly run: string;
  /** The socket that etcd makes there. */
  readonly socket: string;
}

/** etcd takes a unix socket only relative to its working folder, and a port as part of its name. */
export const SOCKET_NAME = "client.sock:0";

/**
 * Tells where etcd's files are.
 *
 * @param folders The node's folders.
 * @returns The paths.
 */
export function etcdFiles({ data, run }: NodeInfo["folders"]): EtcdFiles {
  return {
    data: `${data}/etcd/data`,
    log: `${data}/etcd/data/member/wal`,
    bootstrapped: `${data}/etcd/bootstrapped`,
    clusterVersion: `${data}/etcd/cluster-version`,
    joining: `${data}/etcd/joining`,
    members: `${data}/etcd/members.json`,
    ca: `${data}/etcd/peer-pki/ca.pem`,
    cert: `${data}/etcd/peer-pki/cert.pem`,
    key: `${data}/etcd/peer-pki/key.pem`,
    crl: `${data}/etcd/peer-crl/crl.der`,
    run: `${run}/consensus`,
    socket: `${run}/consensus/${SOCKET_NAME}`,
  };
}
