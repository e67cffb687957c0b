import { clean } from "../log/clean.ts";
import type { MemberStatus, NodeStatus, PluginStatus } from "../status.ts";
import { table } from "./table.ts";

/** Options of {@linkcode statusText}. */
export interface StatusTextOptions {
  /** Whether to color with ANSI sequences. */
  readonly color: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

type Runnable = NodeStatus["runnables"][number];

const RED = "\x1b[31m";
const GREEN = "\x1b[32m";
const YELLOW = "\x1b[33m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

/** What is as it should be; anything else is on its way or wrong. */
const STATE_COLORS: Readonly<Record<string, string>> = {
  "ready": GREEN,
  "HEALTHY": GREEN,
  "DONE": GREEN,
  "unready": RED,
  "given-up": RED,
  "DEAD": RED,
};

/**
 * Writes a node's status for people: what it is, its tree of runnables with the plugins' readiness,
 * its members, and what to look after.
 *
 * @param status The status.
 * @param options See {@linkcode StatusTextOptions}.
 * @returns Lines without newlines.
 */
export function statusText(
  status: NodeStatus,
  { color, now }: StatusTextOptions,
): string[] {
  const paint = (style: string, text: string) =>
    color ? `${style}${text}${RESET}` : text;
  const { node, members, warnings } = status;
  const lines = [
    `${paint(status.ready ? GREEN : RED, "●")} ${clean(node.name)} is ${
      status.ready ? "ready" : "not ready"
    }`,
    ...table([
      ["  node ID", node.id],
      ["  role", node.role],
      ["  address", node.address ?? "none yet"],
    ]),
    "",
  ];

  const [head = "", ...rows] = table([
    ["PLUGIN", "STATE", "RESTARTS", "FOR"],
    ...tree(status, now),
  ]);
  lines.push(paint(DIM, head));
  const state = head.indexOf("STATE");
  for (const row of rows) {
    // Cut where the table aligned it: a color has no width, but the table would give it one.
    const word = row.slice(state).match(/^\S+/)?.[0] ?? "";
    lines.push(
      row.slice(0, state) + paint(STATE_COLORS[word] ?? YELLOW, word) +
        row.slice(state + word.length),
    );
  }

  if (members.length > 0) {
    const [head = "", ...rows] = table([
      ["MEMBER", "NAME", "ROLE", "PEERS"],
      ...members.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1).map((
        member,
      ) => [
        member.id,
        nameOf(member),
        [
          member.learner ? "learner" : member.leader ? "leader" : "voter",
          ...(member.self ? ["this node"] : []),
          ...(member.reachable ? [] : ["not reached"]),
        ].join(", "),
        member.peerURLs.join(" "),
      ]),
    ]);
    lines.push("", paint(DIM, head), ...rows);
  }
  if (warnings.length > 0) {
    lines.push(
      "",
      ...warnings.map((warning) => `${paint(YELLOW, "!")} ${clean(warning)}`),
    );
  }
  return lines;
}

function nameOf({ nodeName, name }: MemberStatus): string {
  return nodeName ?? (name || "not started yet");
}

/** Rows of the runnables, those of plugins with what these say of themselves. */
function tree({ plugins, runnables }: NodeStatus, now: number): string[][] {
  const children = new Map<string, Runnable[]>();
  for (const runnable of runnables) {
    const parent = runnable.dn.slice(0, runnable.dn.lastIndexOf("."));
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [runnable]);
    else siblings.push(runnable);
  }

  const rows: string[][] = [];
  const below = (dn: string, indent: string) => {
    const found = children.get(dn) ?? [];
    for (const [i, runnable] of found.entries()) {
      const last = i === found.length - 1;
      rows.push([
        `${indent}${last ? "└─ " : "├─ "}${runnable.dn.slice(dn.length + 1)}`,
        runnable.state,
        `${runnable.restarts}`,
        duration(now - runnable.since),
      ]);
      below(runnable.dn, `${indent}${last ? "   " : "│  "}`);
    }
  };
  for (const plugin of plugins) {
    const dn = `root.${plugin.name}`;
    const runnable = runnables.find((one) => one.dn === dn);
    rows.push([
      plugin.name,
      plugin.state,
      `${plugin.restarts}`,
      runnable === undefined ? "" : duration(now - runnable.since),
      plugin.reason ?? "",
    ]);
    below(dn, "");
  }
  return rows;
}

/**
 * Says how a plugin is doing.
 *
 * @param plugin Its status.
 * @returns A few words.
 */
export function stateText({ state, reason }: PluginStatus): string {
  if (reason === undefined) return state;
  return state === "waiting" ? reason : `${state}: ${reason}`;
}

/**
 * Writes a span of time as people say it, no finer than they want to know.
 *
 * @param ms Milliseconds; less than none is none.
 * @returns Such as `12s`, `5m`, `3h` or `2d`.
 */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}
