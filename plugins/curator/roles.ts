import type { Role } from "hamlet";
import { Role as RecordRole } from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";

/**
 * @param role A role as the services name it.
 * @returns As it stands in records.
 */
export function toRecordRole(role: Role): RecordRole {
  return role === "member" ? RecordRole.MEMBER : RecordRole.WORKER;
}

/**
 * @param role A role as it stands in a record.
 * @returns As the services name it; one that this version does not know gives no rights.
 */
export function fromRecordRole(role: RecordRole): Role {
  return role === RecordRole.MEMBER ? "member" : "worker";
}
