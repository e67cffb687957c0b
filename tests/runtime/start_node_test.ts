import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";

Deno.test("startNode() runs a node in a program of one's own, which ends when the node has", async () => {
  await using folder = await tempFolder();
  const { stdout } = await run(Deno.execPath(), [
    "run",
    ...["--allow-all", "--no-prompt", "--no-remote", "--cached-only"],
    "--no-check",
    fileURLToPath(new URL("./fixtures/embed.ts", import.meta.url)),
    folder.path,
  ]);
  assert.deepEqual(JSON.parse(stdout), {
    ready: true,
    plugins: ["network", "hostsfile"],
  });
});
