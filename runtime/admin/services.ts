import type { Service } from "../service/contract.ts";
import { ca } from "../services/ca.ts";
import { cluster } from "../services/cluster.ts";
import { kv } from "../services/kv.ts";
import { network } from "../services/network.ts";

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
    { service: cluster, reads: new Set(["members", "status"]) },
    { service: kv, reads: new Set(["range", "watch"]) },
    { service: network, reads: new Set(["watch"]) },
  ].map((entry) => [entry.service.name, entry]),
);
