import * as v from "valibot";
import type { LogEntry } from "../log/entry.ts";
import { LOG_LEVELS } from "../log/level.ts";
import type { Plain } from "../log/plain.ts";
import type { NodeStatus } from "../status.ts";
import {
  SERVICE_ERROR_CODES,
  type ServiceErrorCode,
} from "../service/errors.ts";
import { Member } from "../services/cluster.ts";
import { Role } from "../services/nodes.ts";
import type { PluginDescription } from "./target.ts";

/** The admin socket's name in the run folder. */
export const SOCKET_NAME = "hamlet.sock";

/** The answer of `GET /v1/status`, and each line of `GET /v1/status?watch`. */
export const StatusAnswer: v.GenericSchema<unknown, NodeStatus> = v.object({
  ready: v.boolean(),
  node: v.object({
    id: v.string(),
    name: v.string(),
    machineId: v.string(),
    role: Role,
    address: v.exactOptional(v.string()),
  }),
  plugins: v.array(v.object({
    name: v.string(),
    state: v.picklist(["waiting", "starting", "ready", "unready", "given-up"]),
    reason: v.exactOptional(v.string()),
    restarts: v.number(),
  })),
  runnables: v.array(v.object({
    dn: v.string(),
    state: v.picklist(["NEW", "HEALTHY", "DONE", "DEAD", "CANCELED"]),
    restarts: v.number(),
    since: v.number(),
  })),
  members: v.array(v.object({
    ...Member.entries,
    heardAgo: v.exactOptional(v.number()),
    nodeName: v.exactOptional(v.string()),
  })),
  warnings: v.array(v.string()),
});

/** The answer of `GET /v1/plugins`. */
export const PluginsAnswer: v.GenericSchema<
  unknown,
  readonly PluginDescription[]
> = v.array(
  v.object({
    name: v.string(),
    module: v.string(),
    loaded: v.boolean(),
    isolation: v.picklist(["worker", "process"]),
    roles: v.array(v.string()),
    permissions: v.object({
      read: v.array(v.string()),
      write: v.array(v.string()),
      net: v.array(v.string()),
      env: v.array(v.string()),
      sys: v.array(v.string()),
    }),
    provides: v.array(v.string()),
    uses: v.array(v.object({
      service: v.string(),
      optional: v.boolean(),
      methods: v.exactOptional(v.array(v.string())),
      scope: v.exactOptional(v.unknown()),
    })),
  }),
);

const plain: v.GenericSchema<Plain> = v.union([
  v.string(),
  v.number(),
  v.boolean(),
  v.null(),
  v.array(v.lazy(() => plain)),
  v.record(v.string(), v.lazy(() => plain)),
]);

/** A line of `GET /v1/logs`: an entry, or how many a slow reader missed. */
export const LogLine: v.GenericSchema<
  unknown,
  LogEntry | { dropped: number }
> = v.union([
  v.object({ dropped: v.number() }),
  v.object({
    time: v.string(),
    level: v.picklist(LOG_LEVELS),
    dn: v.string(),
    message: v.string(),
    template: v.exactOptional(v.string()),
    properties: v.record(v.string(), plain),
  }),
]);

/** HTTP status of each way in which a call can fail. */
export const STATUS_OF = {
  "canceled": 408,
  "invalid-argument": 400,
  "not-found": 404,
  "already-exists": 409,
  "failed-precondition": 412,
  "not-permitted": 403,
  "resource-exhausted": 429,
  "unavailable": 503,
  "internal": 500,
} as const satisfies Record<ServiceErrorCode, number>;

/** Every answer but a 2xx, and the last line of a stream that failed. */
export const ErrorAnswer = v.object({
  error: v.object({
    code: v.picklist(SERVICE_ERROR_CODES),
    message: v.string(),
  }),
});
/** Every answer but a 2xx, and the last line of a stream that failed. */
export type ErrorAnswer = v.InferOutput<typeof ErrorAnswer>;
