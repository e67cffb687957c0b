import { z } from "zod";
import type { RunnableRemoval, RunnableStatus } from "../supervisor/mod.ts";
import { SERVICE_ERROR_CODES } from "../service/errors.ts";
import { clip } from "../log/plain.ts";
import type { NodeInfo } from "./plugin.ts";

/** A plugin's name for a runnable of its own, as supervision makes it. */
const dn = z.string().regex(/^root(?:\.[a-z0-9_-]{1,64})+$/);
/** What a person reads. */
const text = z.string().transform((text) => clip(text));

const port = z.custom<MessagePort>((value) => value instanceof MessagePort);

/** The first message to a Worker: everything else goes over its port. */
export const InitMessage = z.object({
  name: z.string(),
  module: z.string(),
  node: z.custom<NodeInfo>(),
  /** The plugin's section of the config file, for its own schema. */
  config: z.unknown(),
  provides: z.array(z.string()).readonly(),
  /** Milliseconds a canceled runnable has to return. */
  gracePeriod: z.number(),
  failpoint: z.string().optional(),
  port,
});
/** The first message to a Worker. */
export type InitMessage = z.infer<typeof InitMessage>;

/** What the host tells a plugin's Worker. */
export const HostMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start") }),
  z.object({ kind: z.literal("cancel") }),
  /** Asks whether its event loop still turns. */
  z.object({ kind: z.literal("ping") }),
  /** The answer to `use`. */
  z.object({
    kind: z.literal("connected"),
    request: z.int(),
    connection: z.int(),
    port,
  }),
  /** The other answer to `use`. */
  z.object({
    kind: z.literal("refused"),
    request: z.int(),
    code: z.enum(SERVICE_ERROR_CODES),
    message: z.string(),
  }),
  /** A user of a service that the plugin provides. */
  z.object({
    kind: z.literal("serve"),
    connection: z.int(),
    service: z.string(),
    user: z.object({
      name: z.string(),
      methods: z.array(z.string()).readonly().optional(),
      scope: z.unknown(),
    }),
    port,
  }),
  /** The other side of a connection is gone. */
  z.object({ kind: z.literal("revoke"), connection: z.int() }),
]);
/** What the host tells a plugin's Worker. */
export type HostMessage = z.infer<typeof HostMessage>;

/** What a plugin died of. */
export const Failure = z.object({
  name: z.string(),
  message: text,
  stack: text.exactOptional(),
  /** A `FatalError`: a restart cannot help. */
  fatal: z.boolean(),
});
/** What a plugin died of. */
export type Failure = z.infer<typeof Failure>;

const RunnableChange = z.union([
  z.object({
    dn,
    state: z.enum(["NEW", "HEALTHY", "DONE", "DEAD", "CANCELED"]),
    restarts: z.int(),
    since: z.number(),
    error: text.exactOptional(),
  }),
  z.object({ dn, removed: z.literal(true) }),
]) satisfies z.ZodType<RunnableStatus | RunnableRemoval>;

/** What a plugin's Worker tells the host, which believes none of it unparsed. */
export const PluginMessage = z.discriminatedUnion("kind", [
  /** The module is there and the config fits. */
  z.object({ kind: z.literal("loaded") }),
  z.object({ kind: z.literal("failed"), failure: Failure }),
  /** Every runnable has returned after `cancel`. */
  z.object({ kind: z.literal("ended") }),
  /** The grace period is over, and those that have not returned are in the log. */
  z.object({ kind: z.literal("overdue") }),
  z.object({ kind: z.literal("pong") }),
  z.object({
    kind: z.literal("log"),
    record: z.object({
      time: z.number(),
      level: z.enum(["debug", "info", "warning", "error"]),
      dn,
      message: text,
      properties: z.record(z.string(), z.unknown()).exactOptional(),
    }),
  }),
  z.object({ kind: z.literal("runnable"), change: RunnableChange }),
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("unready"), reason: text }),
  z.object({
    kind: z.literal("use"),
    request: z.int(),
    service: z.string(),
  }),
  z.object({ kind: z.literal("provide"), service: z.string() }),
]);
/** What a plugin's Worker tells the host. */
export type PluginMessage = z.infer<typeof PluginMessage>;
