import { buildCommand } from "@stricli/core";
import { clientFlags, jsonFlag, nodeFlags } from "../flags.ts";
import { originFlags } from "../origin.ts";
import { describe } from "./describe.ts";

/** `hamlet dev`. */
export const dev = buildCommand({
  loader: async () => (await import("../commands/dev.ts")).default,
  parameters: { flags: nodeFlags },
  docs: {
    brief: "Run a single node for trying things out, in this folder",
    fullDescription: describe(
      "hamlet dev",
      "Everything on loopback and below ./.hamlet, without root, the host name left alone. Starts a new cluster the first time and continues it from then on. Ctrl-C ends it.",
    ),
  },
});

/** `hamlet run`. */
export const run = buildCommand({
  loader: async () => (await import("../commands/run.ts")).default,
  parameters: {
    flags: {
      ...originFlags,
      ...nodeFlags,
      listen: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "ip",
        brief: "The address to listen on for other nodes (default: all)",
      },
      advertise: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "ip",
        brief:
          "The address others reach this node at (default: found by the default route)",
      },
      hostname: {
        kind: "enum",
        values: ["on", "off"],
        optional: true,
        brief: "Whether to set the machine's host name (default: on)",
      },
    },
  },
  docs: {
    brief: "Run a node of this machine",
    fullDescription: describe(
      "hamlet run --new-cluster --advertise 192.0.2.1",
      "A node that has data continues with it. With an empty data folder it has to be told what to become: it never starts a second cluster by itself. SIGTERM and SIGINT end it in order, a second one at once.",
    ),
  },
});

/** `hamlet status`. */
export const status = buildCommand({
  loader: async () => (await import("../commands/status.ts")).default,
  parameters: {
    flags: {
      ...clientFlags,
      ...jsonFlag,
      watch: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "Go on, and show every change",
      },
    },
  },
  docs: {
    brief: "Show how the node is doing",
    fullDescription: describe(
      "hamlet status --watch",
      "Exits with 0 where the node is ready, 1 where it is not, 2 where none runs here.",
    ),
  },
});

/** `hamlet plugins`. */
export const plugins = buildCommand({
  loader: async () => (await import("../commands/plugins.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      dataDir: nodeFlags.dataDir,
      runDir: nodeFlags.runDir,
      config: nodeFlags.config,
      manifest: nodeFlags.manifest,
    },
  },
  docs: {
    brief: "Show the plugins, and what each may touch on this node",
    fullDescription: describe(
      "hamlet plugins",
      "Asks the running node. Where none runs, it shows what one with these folders would grant.",
    ),
  },
});

/** `hamlet logs`. */
export const logs = buildCommand({
  loader: async () => (await import("../commands/logs.ts")).default,
  parameters: {
    flags: {
      ...clientFlags,
      ...jsonFlag,
      follow: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "Go on with what is logged from now on",
      },
      limit: {
        kind: "parsed",
        parse: count,
        optional: true,
        placeholder: "n",
        brief: "At most so many of the latest lines (default: all kept)",
      },
    },
    aliases: { f: "follow", n: "limit" },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        optional: true,
        placeholder: "DN",
        brief: "A runnable with all below it, such as root.consensus",
      }],
    },
  },
  docs: {
    brief: "Show what the node logged lately",
    fullDescription: describe(
      "hamlet logs root.consensus --follow",
      "The node keeps its latest lines in memory only.",
    ),
  },
});

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError("Write a whole number");
  return Number(text);
}
