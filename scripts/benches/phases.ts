import type { NodeProcess } from "../../tests/e2e/support/node_process.ts";
import { median } from "./statistics.ts";

/** A step of a start, told by the first log entry of its kind. */
export interface Phase {
  /** Who says what; the same in every start. */
  readonly name: string;
  /** Milliseconds since the start. */
  readonly at: number;
}

/**
 * Reads from the log of a node how far it was when.
 *
 * @param node A node that has become ready.
 * @param start When it was started, in milliseconds since the epoch.
 * @returns Each kind of entry that its log has.
 */
export async function phasesOf(
  node: NodeProcess,
  start: number,
): Promise<Phase[]> {
  using client = node.client();
  const found = new Map<string, number>();
  const entries = client.logs({}, AbortSignal.timeout(5_000));
  for await (const entry of entries) {
    if ("dropped" in entry) continue;
    const { dn, time, message } = entry;
    const kind = message.replaceAll(/[0-9a-f]{8,}|\d+/g, "#").slice(0, 60);
    const name = `${dn}: ${kind}`;
    if (!found.has(name)) found.set(name, Date.parse(time) - start);
  }
  return Array.from(found, ([name, at]) => ({ name, at }));
}

/**
 * Shows the steps of several starts.
 *
 * @param starts The steps of each.
 * @returns A line for each step that all of them went through, in order.
 */
export function showPhases(starts: readonly (readonly Phase[])[]): string[] {
  const times = Map.groupBy(starts.flat(), ({ name }) => name);
  return [...times]
    .filter(([, phases]) => phases.length === starts.length)
    .map(([name, phases]) => ({ name, at: median(phases.map(({ at }) => at)) }))
    .sort((a, b) => a.at - b.at)
    .map(({ name, at }) => `${at.toFixed(0).padStart(6)}  ${name}`);
}
