import { buildCommand, buildRouteMap } from "@stricli/core";
import { clientFlags, jsonFlag, nodeFlags } from "../flags.ts";
import { operatorFlags } from "../operator.ts";
import { describe } from "./describe.ts";

const node = {
  parse: String,
  placeholder: "NODE",
  brief: "A node's ID or its name",
} as const;

const role = {
  kind: "enum",
  values: ["member", "worker"],
} as const;

const yes = {
  kind: "boolean",
  default: false,
  withNegated: false,
  brief: "Do not ask",
} as const;

/** `hamlet invite`. */
export const invite = buildRouteMap({
  routes: {
    create: buildCommand({
      loader: async () => (await import("../commands/invite.ts")).default,
      parameters: {
        flags: {
          ...clientFlags,
          ...jsonFlag,
          ...operatorFlags,
          role: {
            ...role,
            default: "worker",
            brief: "What the node becomes: one with etcd, or one without",
          },
          ttl: {
            kind: "parsed",
            parse: lifetime,
            default: "1h",
            placeholder: "time",
            brief: "How long it may be used, such as 30m, 1h or 2d",
          },
          uses: {
            kind: "parsed",
            parse: count,
            default: "1",
            placeholder: "n",
            brief: "How many nodes may join with it",
          },
        },
      },
      docs: {
        brief: "Make an invitation, and write its token to standard output",
        fullDescription: describe(
          "hamlet invite create --role member --ttl 30m",
          "The cluster keeps only a hash of the token's secret: it is shown this once. `create` may be left out.",
        ),
      },
    }),
    list: buildCommand({
      loader: async () => (await import("../commands/invite_list.ts")).default,
      parameters: { flags: { ...clientFlags, ...jsonFlag, ...operatorFlags } },
      docs: {
        brief: "List the invitations that may still be used",
        fullDescription: describe("hamlet invite list"),
      },
    }),
    revoke: buildCommand({
      loader: async () =>
        (await import("../commands/invite_revoke.ts")).default,
      parameters: {
        flags: { ...clientFlags, ...operatorFlags },
        positional: {
          kind: "tuple",
          parameters: [{
            parse: String,
            placeholder: "ID",
            brief: "The invitation's ID, as `hamlet invite list` has it",
          }],
        },
      },
      docs: {
        brief: "Make an invitation useless",
        fullDescription: describe("hamlet invite revoke 3f9c2a"),
      },
    }),
  },
  defaultCommand: "create",
  docs: { brief: "Let machines join the cluster" },
});

/** `hamlet nodes`. */
export const nodes = buildCommand({
  loader: async () => (await import("../commands/nodes.ts")).default,
  parameters: { flags: { ...clientFlags, ...jsonFlag } },
  docs: {
    brief: "List the cluster's nodes, and how each is",
    fullDescription: describe("hamlet nodes"),
  },
});

/** `hamlet remove`. */
export const remove = buildCommand({
  loader: async () => (await import("../commands/remove.ts")).default,
  parameters: {
    flags: { ...clientFlags, ...jsonFlag, ...operatorFlags },
    positional: { kind: "tuple", parameters: [node] },
  },
  docs: {
    brief: "Take a node out of the cluster for good",
    fullDescription: describe(
      "hamlet remove north-2",
      "All certificates of the node are revoked; its machine may join again after `hamlet reset`. Refused where no majority of the members would be left. On a worker, show an operator's certificate (`hamlet cert issue NAME` on a member) with --cert and --key.",
    ),
  },
});

/** `hamlet role`. */
export const setRole = buildCommand({
  loader: async () => (await import("../commands/role.ts")).default,
  parameters: {
    flags: { ...clientFlags, ...jsonFlag, ...operatorFlags },
    positional: {
      kind: "tuple",
      parameters: [node, {
        parse: (text: string) => {
          const known = role.values.find((name) => name === text);
          if (known === undefined) {
            throw new TypeError("A role is member or worker");
          }
          return known;
        },
        proposeCompletions: (partial: string) =>
          role.values.filter((name) => name.startsWith(partial)),
        placeholder: "ROLE",
        brief: "member or worker",
      }],
    },
  },
  docs: {
    brief: "Make a worker a member, or a member a worker",
    fullDescription: describe("hamlet role north-2 member"),
  },
});

/** `hamlet reset`. */
export const reset = buildCommand({
  loader: async () => (await import("../commands/reset.ts")).default,
  parameters: {
    flags: { dataDir: nodeFlags.dataDir, runDir: nodeFlags.runDir, yes },
  },
  docs: {
    brief: "Empty the data folder of a node that does not run",
    fullDescription: describe(
      "hamlet reset",
      "Shows what goes, and asks. Afterwards the machine can join a cluster, as another node.",
    ),
  },
});

/** `hamlet recover`. */
export const recover = buildCommand({
  loader: async () => (await import("../commands/recover.ts")).default,
  parameters: { flags: { ...clientFlags, yes } },
  docs: {
    brief: "Go on with this member alone, when most others are lost for good",
    fullDescription: describe(
      "hamlet recover",
      "Shows the members, and asks. Choose the member that is left with the newest data. The others must not start again before `hamlet reset`.",
    ),
  },
});

function seconds(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const factor = { s: 1, m: 60, h: 3600, d: 86400 }[unit];
  if (factor === undefined) {
    throw new TypeError("A time is a number with s, m, h or d, such as 30m");
  }
  return Number(amount) * factor;
}

/** How long an invitation may be good for. */
function lifetime(text: string): number {
  const value = seconds(text);
  if (value >= 10 && value <= 30 * 86400) return value;
  throw new TypeError("An invitation is good for 10s to 30d");
}

function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new TypeError("Write a whole number from 1");
  }
  return Number(text);
}
