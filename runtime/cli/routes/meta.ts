import { buildCommand } from "@stricli/core";
import { jsonFlag } from "../flags.ts";
import { describe } from "./describe.ts";

/** Shells that can be completed in. */
const SHELLS = ["bash", "zsh", "fish"] as const;
/** A shell that can be completed in. */
export type Shell = typeof SHELLS[number];

/** `hamlet version`. */
export const version = buildCommand({
  loader: async () => (await import("../commands/version.ts")).default,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Show which version this is",
    fullDescription: describe("hamlet version --json"),
  },
});

/** `hamlet completion`. */
export const completion = buildCommand({
  loader: async () => (await import("../commands/completion.ts")).default,
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{
        parse: (shell: string) => {
          const known = SHELLS.find((name) => name === shell);
          if (known === undefined) {
            throw new TypeError(`A shell is one of ${SHELLS.join(", ")}`);
          }
          return known;
        },
        proposeCompletions: (partial: string) =>
          SHELLS.filter((name) => name.startsWith(partial)),
        placeholder: "shell",
        brief: SHELLS.join(", "),
      }],
    },
  },
  docs: {
    brief: "Write what completes hamlet's commands in a shell",
    fullDescription: describe('eval "$(hamlet completion bash)"'),
  },
});

const words = {
  kind: "array",
  parameter: { parse: String, placeholder: "word", brief: "A word" },
} as const;

/** `hamlet help`. */
export const help = buildCommand({
  loader: async () => (await import("../commands/help.ts")).default,
  parameters: { positional: words },
  docs: {
    brief: "Show how to use a command",
    fullDescription: describe("hamlet help cert issue"),
  },
});

/** What the scripts of `hamlet completion` call. */
export const complete = buildCommand({
  loader: async () => (await import("../commands/complete.ts")).default,
  parameters: { positional: words },
  docs: { brief: "Propose what the last of these words may become" },
});
