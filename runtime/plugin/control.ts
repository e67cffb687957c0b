import * as v from "valibot";
import type { RunnableRemoval, RunnableStatus } from "../supervisor/mod.ts";
import { SERVICE_ERROR_CODES } from "../service/errors.ts";
import { Finite, Integer } from "../service/values.ts";
import { clip } from "../log/plain.ts";
import type { NodeInfo } from "./plugin.ts";

/** A plugin's name for a runnable of its own, as supervision makes it. */
const dn = v.pipe(v.string(), v.regex(/^root(?:\.[a-z0-9_-]{1,64})+$/));
/** What a person reads. */
const text = v.pipe(v.string(), v.transform((text) => clip(text)));

const port = v.custom<MessagePort>((value) => value instanceof MessagePort);

/** The first message to a Worker: everything else goes over its port. */
export const InitMessage = v.object({
  name: v.string(),
  module: v.string(),
  node: v.custom<NodeInfo>(() => true),
  /** The plugin's section of the config file, for its own schema. */
  config: v.unknown(),
  provides: v.pipe(v.array(v.string()), v.readonly()),
  /** Milliseconds a canceled runnable has to return. */
  gracePeriod: v.number(),
  failpoint: v.optional(v.string()),
  port,
});
/** The first message to a Worker. */
export type InitMessage = v.InferOutput<typeof InitMessage>;

/** What the host tells a plugin's Worker. */
export const HostMessage = v.variant("kind", [
  v.object({ kind: v.literal("start") }),
  v.object({ kind: v.literal("cancel") }),
  /** Asks whether its event loop still turns. */
  v.object({ kind: v.literal("ping") }),
  /** The answer to `use`. */
  v.object({
    kind: v.literal("connected"),
    request: Integer,
    connection: Integer,
    port,
  }),
  /** The other answer to `use`. */
  v.object({
    kind: v.literal("refused"),
    request: Integer,
    code: v.picklist(SERVICE_ERROR_CODES),
    message: v.string(),
  }),
  /** A user of a service that the plugin provides. */
  v.object({
    kind: v.literal("serve"),
    connection: Integer,
    service: v.string(),
    user: v.object({
      name: v.string(),
      methods: v.optional(v.pipe(v.array(v.string()), v.readonly())),
      scope: v.unknown(),
    }),
    port,
  }),
  /** The other side of a connection is gone. */
  v.object({ kind: v.literal("revoke"), connection: Integer }),
]);
/** What the host tells a plugin's Worker. */
export type HostMessage = v.InferOutput<typeof HostMessage>;

/** What a plugin died of. */
export const Failure = v.object({
  name: v.string(),
  message: text,
  stack: v.exactOptional(text),
  /** A `FatalError`: a restart cannot help. */
  fatal: v.boolean(),
});
/** What a plugin died of. */
export type Failure = v.InferOutput<typeof Failure>;

const RunnableChange = v.union([
  v.object({
    dn,
    state: v.picklist(["NEW", "HEALTHY", "DONE", "DEAD", "CANCELED"]),
    restarts: Integer,
    since: Finite,
    error: v.exactOptional(text),
  }),
  v.object({ dn, removed: v.literal(true) }),
]) satisfies v.GenericSchema<
  unknown,
  RunnableStatus | RunnableRemoval
>;

/** What a plugin's Worker tells the host, which believes none of it unparsed. */
export const PluginMessage = v.variant("kind", [
  /** The module is there and the config fits. */
  v.object({ kind: v.literal("loaded") }),
  v.object({ kind: v.literal("failed"), failure: Failure }),
  /** Every runnable has returned after `cancel`. */
  v.object({ kind: v.literal("ended") }),
  /** The grace period is over, and those that have not returned are in the log. */
  v.object({ kind: v.literal("overdue") }),
  v.object({ kind: v.literal("pong") }),
  v.object({
    kind: v.literal("log"),
    record: v.object({
      time: Finite,
      level: v.picklist(["debug", "info", "warning", "error"]),
      dn,
      message: text,
      properties: v.exactOptional(v.record(v.string(), v.unknown())),
    }),
  }),
  v.object({ kind: v.literal("runnable"), change: RunnableChange }),
  v.object({ kind: v.literal("ready") }),
  v.object({ kind: v.literal("unready"), reason: text }),
  v.object({
    kind: v.literal("use"),
    request: Integer,
    service: v.string(),
  }),
  v.object({ kind: v.literal("provide"), service: v.string() }),
]);
/** What a plugin's Worker tells the host. */
export type PluginMessage = v.InferOutput<typeof PluginMessage>;
