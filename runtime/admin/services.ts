import type { Service } from "../service/contract.ts";
import { ca } from "../services/ca.ts";
import { cluster } from "../services/cluster.ts";
import { kv } from "../services/kv.ts";
import { membership } from "../services/membership.ts";
import { network } from "../services/network.ts";
import { nodes } from "../services/nodes.ts";

/** A service at the admin socket. */
export interface AdminService {
  readonly service: Service;
  /** Methods that change nothing. Every other call leaves an audit record. */
  readonly reads: ReadonlySet<string>;
}

/**
 * What a person may use, by name. `process` and `hostname` are not among them: what they do is for
 * plugins, within the scope of a declaration.
 */
export const ADMIN_SERVICES: ReadonlyMap<string, AdminService> = new Map(
  [
    {
      service: ca,
      reads: new Set(["authority", "list", "crl", "watchCrl", "committed"]),
    },
    { service: cluster, reads: new Set(["members", "watch", "status"]) },
    { service: kv, reads: new Set(["range", "watch"]) },
    {
      service: membership,
      reads: new Set(["invitations", "nodes"]),
    },
    { service: network, reads: new Set(["watch"]) },
    { service: nodes, reads: new Set(["watch"]) },
  ].map((entry) => [entry.service.name, entry]),
);
