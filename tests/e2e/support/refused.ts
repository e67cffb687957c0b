import assert from "node:assert/strict";
import {
  type NodeFolders,
  NodeProcess,
  type StartOptions,
} from "./node_process.ts";
import { processesLeft } from "./processes_of.ts";
import { tree } from "./tree.ts";

/** How a start is to be refused. */
export interface Refusal extends StartOptions {
  /** The exit code. */
  readonly code: 1 | 2;
  /** The words that matter of what a person is told: what is wrong, and what to do. */
  readonly says: readonly (string | RegExp)[];
  /** Leaves a line of the tree out of the comparison. @default none is left out */
  readonly except?: RegExp;
}

/** Milliseconds that a refusal may take. */
const PATIENCE = 60_000;

/**
 * Starts a node that must not start, and checks that it says why, leaves nothing running and changes
 * nothing.
 *
 * @param folders Where.
 * @param refusal How it is to be refused.
 */
export async function assertRefused(
  folders: NodeFolders,
  refusal: Refusal,
): Promise<void> {
  const { code, says, except = /^$/, ...options } = refusal;
  const look = async () =>
    (await tree(folders.root)).filter((line) => !except.test(line));
  const before = await look();
  await using node = new NodeProcess(folders, options);
  // One that is not refused would run for ever.
  const timer = setTimeout(() => node.kill("SIGKILL"), PATIENCE);
  const exit = await node.exited;
  clearTimeout(timer);
  assert.deepEqual(exit, { code, signal: null }, node.text());
  const told = node.log.filter(({ dn }) => dn === "")
    .map(({ message }) => message).join("\n");
  for (const words of says) {
    assert.ok(
      typeof words === "string" ? told.includes(words) : words.test(told),
      `It does not say ${words}:\n${node.text()}`,
    );
  }
  assert.doesNotMatch(told, /^\s+at .*:\d+:\d+/m, "It shows a stack trace");
  assert.deepEqual(await processesLeft(folders.data), []);
  assert.deepEqual(await look(), before);
}
