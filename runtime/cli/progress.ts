import { clean } from "../log/clean.ts";
import type { NodeStatus } from "../status.ts";
import { stateText } from "./status_text.ts";
import { table } from "./table.ts";

const GREEN = "\x1b[32m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

/**
 * Says how far a node's start is, as a block that is redrawn.
 *
 * @param status The status now.
 * @param color Whether to color with ANSI sequences.
 * @returns Lines without newlines.
 */
export function progressBlock(status: NodeStatus, color: boolean): string[] {
  const rows = table(
    status.plugins.map((plugin) => [plugin.name, stateText(plugin)]),
  );
  return [
    `Starting ${status.node.name}: ${countText(status)}`,
    ...status.plugins.map(({ state }, i) => {
      const line = `${state === "ready" ? "✓" : "…"} ${rows[i]}`;
      return !color
        ? `  ${line}`
        : `  ${state === "ready" ? GREEN : DIM}${line}${RESET}`;
    }),
  ];
}

/**
 * Says what has changed since the last time, for where nothing can be redrawn.
 *
 * @param before The status then; undefined the first time.
 * @param status The status now.
 * @returns Lines without newlines; none where it looks the same.
 */
export function progressLines(
  before: NodeStatus | undefined,
  status: NodeStatus,
): string[] {
  const known = new Map(
    before?.plugins.map((plugin) => [plugin.name, stateText(plugin)]),
  );
  const changed = status.plugins.filter((plugin) =>
    known.get(plugin.name) !== stateText(plugin)
  );
  return changed.map((plugin) => {
    const count = plugin.state === "ready" ? ` (${countText(status)})` : "";
    return clean(`${plugin.name}: ${stateText(plugin)}${count}`);
  });
}

function countText({ plugins }: NodeStatus): string {
  const ready = plugins.filter(({ state }) => state === "ready").length;
  return `${ready} of ${plugins.length} plugins ready`;
}
