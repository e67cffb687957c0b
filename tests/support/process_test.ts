import assert from "node:assert/strict";
import { CommandError, run } from "./process.ts";

Deno.test("run() returns what the command wrote", async () => {
  const output = await run("sh", ["-c", 'cat; printf "%s" "$A" >&2; pwd'], {
    input: "in\n",
    env: { A: "x" },
    cwd: "/",
  });
  assert.deepEqual(output, { stdout: "in\n/\n", stderr: "x" });
});

Deno.test("run() rejects with the output when the command fails", async () => {
  await assert.rejects(
    run("sh", ["-c", "echo out; echo err >&2; exit 3"]),
    (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.code, 3);
      assert.equal(error.stdout, "out\n");
      assert.match(error.message, /ended with exit code 3\nout\nerr\n$/);
      return true;
    },
  );
});

Deno.test("run() kills a command that does not end in time", async () => {
  await assert.rejects(
    run("sleep", ["60"], { timeout: 50 }),
    /Command "sleep 60" ended with SIGKILL/,
  );
});

Deno.test("run() does not mind a command that leaves its input unread", async () => {
  await run("true", [], { input: "x".repeat(1_000_000) });
});

Deno.test("run() rejects when there is no such program", async () => {
  await assert.rejects(run("/no/such/program", []), Deno.errors.NotFound);
});
