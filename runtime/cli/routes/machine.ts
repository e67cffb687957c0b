import { buildCommand, type FlagParametersForType } from "@stricli/core";
import type { MachineFlags } from "../commands/install.ts";
import type { CliContext } from "../context.ts";
import { path } from "../flags.ts";
import { originFlags } from "../origin.ts";
import { describe } from "./describe.ts";

const machineFlags: FlagParametersForType<MachineFlags, CliContext> = {
  dryRun: {
    kind: "boolean",
    default: false,
    withNegated: false,
    brief: "Show what would be done, and do nothing",
  },
  root: {
    kind: "parsed",
    parse: path,
    default: "/",
    placeholder: "folder",
    brief: "Where the files of the machine are, such as those of an image",
  },
};

/** `hamlet install`. */
export const install = buildCommand({
  loader: async () => (await import("../commands/install.ts")).default,
  parameters: {
    flags: {
      ...originFlags,
      name: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "label",
        brief: "For the config file: the node's name",
      },
      listen: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "ip",
        brief: "For the config file: the address to listen on",
      },
      advertise: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "ip",
        brief: "For the config file: the address others reach this node at",
      },
      hostname: {
        kind: "enum",
        values: ["on", "off"],
        optional: true,
        brief: "For the config file: whether to set the machine's host name",
      },
      ...machineFlags,
    },
  },
  docs: {
    brief: "Make this machine run a node as a service of systemd",
    fullDescription: describe(
      "hamlet install --new-cluster --advertise 192.0.2.1",
      "Copies this program to /usr/local/bin, makes the folders, and enables a unit that lets it do what its plugins are granted and no more. Does not start it.",
    ),
  },
});

/** `hamlet uninstall`. */
export const uninstall = buildCommand({
  loader: async () => (await import("../commands/uninstall.ts")).default,
  parameters: {
    flags: {
      purge: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "Remove the node's data and configuration too",
      },
      ...machineFlags,
    },
  },
  docs: {
    brief: "Take back what `hamlet install` did",
    fullDescription: describe(
      "hamlet uninstall --dry-run",
      "Ends the node and leaves its data, unless told otherwise.",
    ),
  },
});
