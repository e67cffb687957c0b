import { z } from "zod";
import { defineService, stream } from "../service/contract.ts";

/** Which programs a plugin may run, by declared name, and how. */
export const ProcessScope = z.record(
  z.string(),
  z.strictObject({
    /**
     * Every argument must match one of these: `*` stands for any characters but `/`, `**` for any.
     * An argument can name any file, so a pattern is as tight as the program allows.
     */
    args: z.array(z.string()),
    /** The working folder. @default the run folder */
    cwd: z.string().optional(),
  }),
  {
    error: ({ code }) =>
      code === "invalid_type"
        ? 'Say which programs, such as {"ip": {"args": ["route", "show"]}}'
        : undefined,
  },
);
/** Which programs a plugin may run. */
export type ProcessScope = z.infer<typeof ProcessScope>;

/** What a process did. */
export const ProcessEvent = z.union([
  z.object({ kind: z.literal("started"), pid: z.int() }),
  z.object({
    kind: z.literal("line"),
    from: z.enum(["stdout", "stderr"]),
    text: z.string(),
  }),
  /** The reader was too slow for this many lines; the process is never held up by its log. */
  z.object({ kind: z.literal("dropped"), lines: z.int() }),
  z.object({
    kind: z.literal("exited"),
    code: z.int(),
    signal: z.string().optional(),
  }),
]);
/** What a process did. */
export type ProcessEvent = z.infer<typeof ProcessEvent>;

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
      z.strictObject({ program: z.string(), args: z.array(z.string()) }),
      ProcessEvent,
    ),
  },
});
