import assert from "node:assert/strict";
import { progressBlock, progressLines } from "../../../runtime/cli/progress.ts";
import type { NodeStatus, PluginStatus } from "../../../runtime/status.ts";

function status(...plugins: Omit<PluginStatus, "restarts">[]): NodeStatus {
  return {
    ready: false,
    node: { id: "hamlet-00", name: "one", machineId: "00", role: "member" },
    plugins: plugins.map((plugin) => ({ ...plugin, restarts: 0 })),
    runnables: [],
    members: [],
    warnings: [],
  };
}

const first = status(
  { name: "ca", state: "starting" },
  { name: "crl", state: "waiting", reason: "waits for kv" },
);
const second = status(
  { name: "ca", state: "ready" },
  { name: "crl", state: "waiting", reason: "waits for kv" },
);

Deno.test("progressLines() says what has changed", () => {
  assert.deepEqual(progressLines(undefined, first), [
    "ca: starting",
    "crl: waits for kv",
  ]);
  assert.deepEqual(progressLines(first, second), [
    "ca: ready (1 of 2 plugins ready)",
  ]);
  assert.deepEqual(progressLines(second, second), []);
});

Deno.test("progressBlock() says how far the start is", () => {
  assert.deepEqual(progressBlock(second, false), [
    "Starting one: 1 of 2 plugins ready",
    "  ✓ ca   ready",
    "  … crl  waits for kv",
  ]);
  assert.ok(progressBlock(second, true)[1]?.startsWith("  \x1b[32m✓ ca"));
});
