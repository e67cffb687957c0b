import * as v from "valibot";
import { defineService, stream } from "../service/contract.ts";
import { Keys, Named } from "../service/keys.ts";
import { Integer } from "../service/values.ts";

/** Which programs a plugin may run, by declared name, and how. */
export const ProcessScope = Named(
  v.string(),
  Keys({
    /**
     * Every argument must match one of these: `*` stands for any characters but `/`, `**` for any.
     * An argument can name any file, so a pattern is as tight as the program allows.
     */
    args: v.array(
      v.string("Write a string"),
      'Write a list, such as ["route", "show"]',
    ),
    /** The working folder. @default the run folder */
    cwd: v.optional(v.string()),
  }),
  'Say which programs, such as {"ip": {"args": ["route", "show"]}}',
);
/** Which programs a plugin may run. */
export type ProcessScope = v.InferOutput<typeof ProcessScope>;

/** What a process did. */
export const ProcessEvent = v.variant("kind", [
  v.object({ kind: v.literal("started"), pid: Integer }),
  v.object({
    kind: v.literal("line"),
    from: v.picklist(["stdout", "stderr"]),
    text: v.string(),
  }),
  /** The reader was too slow for this many lines; the process is never held up by its log. */
  v.object({ kind: v.literal("dropped"), lines: Integer }),
  v.object({
    kind: v.literal("exited"),
    code: Integer,
    signal: v.optional(v.string()),
  }),
]);
/** What a process did. */
export type ProcessEvent = v.InferOutput<typeof ProcessEvent>;

/** Runs declared programs as children of the node; provided by the runtime. */
export const process = defineService({
  name: "process",
  scope: ProcessScope,
  exampleScope: () => ({ ip: { args: ["route", "show"] } }),
  methods: {
    /**
     * Runs a program until it exits, its last event. When the caller cancels or goes away it gets
     * SIGTERM, and SIGKILL after a grace period; the kernel ends it if the node dies.
     */
    run: stream(
      v.strictObject({ program: v.string(), args: v.array(v.string()) }),
      ProcessEvent,
    ),
  },
});
