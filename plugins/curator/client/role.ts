import type { Role } from "hamlet";
import { Role as WireRole } from "../../../proto/gen/hamlet/cluster/v1/record_pb.ts";

/**
 * Reads a role as it came over the network.
 *
 * @param role What a member said.
 * @returns The role; one that this version does not know runs no etcd that it knows of.
 */
export function fromRole(role: WireRole): Role {
  return role === WireRole.MEMBER ? "member" : "worker";
}
