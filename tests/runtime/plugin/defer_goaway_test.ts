import assert from "node:assert/strict";

const script = new URL("end_http2_sessions.ts", import.meta.url).pathname;

async function run(...args: string[]): Promise<[number, string]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--allow-all", script, ...args],
    // The C library overwrites what is freed, so that using it shows each time and not now and then.
    env: { GLIBC_TUNABLES: "glibc.malloc.perturb=165" },
    stdout: "piped",
    stderr: "null",
  });
  const { code, stdout } = await child.output();
  return [code, new TextDecoder().decode(stdout)];
}

Deno.test("deferGoaway() lets a process survive that sessions are ended from the other side", async () => {
  assert.deepEqual(await run("deferGoaway()"), [0, "Still there\n"]);
});

Deno.test("deferGoaway() is still needed", async () => {
  const [code, output] = await run();
  assert.notEqual(code, 0, "This Deno reads a GOAWAY as it should");
  assert.equal(output, "");
});
