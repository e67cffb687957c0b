import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "../../support/process.ts";

Deno.test("hostPlugin() gives up a plugin that hangs, names it, and never starts it again; the others go on", async () => {
  // In a process of its own, since nothing else ends a thread that spins; `run` kills it if it stays.
  const { stdout } = await run(Deno.execPath(), [
    "run",
    "--allow-all",
    "--no-prompt",
    "--no-check",
    fileURLToPath(new URL("./fixtures/hang.ts", import.meta.url)),
  ]);
  const reason =
    "Hangs: its thread does not answer and cannot be ended, so that it starts again only with the node";
  assert.deepEqual(JSON.parse(stdout), {
    readiness: { kind: "given-up", reason },
    logged: [reason],
    provided: false,
    states: ["root.a NEW", "root.a HEALTHY", "root.a CANCELED"],
  });
});
