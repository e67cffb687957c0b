import { z } from "zod";
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
export const StatusAnswer: z.ZodType<NodeStatus> = z.object({
  ready: z.boolean(),
  node: z.object({
    id: z.string(),
    name: z.string(),
    machineId: z.string(),
    role: Role,
    address: z.string().exactOptional(),
  }),
  plugins: z.array(z.object({
    name: z.string(),
    state: z.enum(["waiting", "starting", "ready", "unready", "given-up"]),
    reason: z.string().exactOptional(),
    restarts: z.number(),
  })),
  runnables: z.array(z.object({
    dn: z.string(),
    state: z.enum(["NEW", "HEALTHY", "DONE", "DEAD", "CANCELED"]),
    restarts: z.number(),
    since: z.number(),
  })),
  members: z.array(Member.extend({
    heardAgo: z.number().exactOptional(),
    nodeName: z.string().exactOptional(),
  })),
  warnings: z.array(z.string()),
});

/** The answer of `GET /v1/plugins`. */
export const PluginsAnswer: z.ZodType<readonly PluginDescription[]> = z.array(
  z.object({
    name: z.string(),
    module: z.string(),
    loaded: z.boolean(),
    isolation: z.enum(["worker", "process"]),
    roles: z.array(z.string()),
    permissions: z.object({
      read: z.array(z.string()),
      write: z.array(z.string()),
      net: z.array(z.string()),
      env: z.array(z.string()),
      sys: z.array(z.string()),
    }),
    provides: z.array(z.string()),
    uses: z.array(z.object({
      service: z.string(),
      optional: z.boolean(),
      methods: z.array(z.string()).exactOptional(),
      scope: z.unknown().exactOptional(),
    })),
  }),
);

const plain: z.ZodType<Plain> = z.json();

/** A line of `GET /v1/logs`: an entry, or how many a slow reader missed. */
export const LogLine: z.ZodType<LogEntry | { dropped: number }> = z.union([
  z.object({ dropped: z.number() }),
  z.object({
    time: z.string(),
    level: z.enum(LOG_LEVELS),
    dn: z.string(),
    message: z.string(),
    template: z.string().exactOptional(),
    properties: z.record(z.string(), plain),
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
export const ErrorAnswer = z.object({
  error: z.object({
    code: z.enum(SERVICE_ERROR_CODES),
    message: z.string(),
  }),
});
/** Every answer but a 2xx, and the last line of a stream that failed. */
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;
