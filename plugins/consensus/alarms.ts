import type { Alarm, v } from "hamlet";
import { toHex } from "./member_id.ts";

/**
 * Reads the alarms out of what etcd tells as the errors of its status: asking for the alarms
 * themselves would write to the log of every member, each time.
 *
 * @param errors As in https://pkg.go.dev/go.etcd.io/etcd/api/v3/etcdserverpb#StatusResponse, such as
 * `memberID:1234 alarm:NOSPACE`.
 * @returns The alarms; an error of another kind is none.
 */
export function readAlarms(
  errors: readonly string[],
): v.InferOutput<typeof Alarm>[] {
  return errors.flatMap((error) => {
    const [, member, alarm] = error.match(/memberID:(\d+)\s+alarm:(\w+)/) ?? [];
    if (member === undefined || alarm === undefined) return [];
    return [{ kind: KINDS[alarm] ?? "unknown", memberId: toHex(member) }];
  });
}

const KINDS: Readonly<Record<string, v.InferOutput<typeof Alarm>["kind"]>> = {
  NOSPACE: "no-space",
  CORRUPT: "corrupt",
};
