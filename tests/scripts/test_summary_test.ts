import assert from "node:assert/strict";
import { parseTestSummary } from "../../scripts/test_summary.ts";
import { tempFolder } from "../support/temp.ts";

async function denoTest(source: string): Promise<string> {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/a_test.ts`, source);
  await Deno.writeTextFile(
    `${folder.path}/b_test.ts`,
    'Deno.test("b() works", () => {});',
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-check"],
    cwd: folder.path,
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("parseTestSummary() counts the tests that passed", async () => {
  const output = await denoTest(
    'Deno.test("a()", async (t) => { await t.step("works", () => {}); });',
  );
  assert.deepEqual(parseTestSummary(output), {
    passed: 2,
    failed: 0,
    failures: [],
  });
});

Deno.test("parseTestSummary() names the tests that failed", async () => {
  const output = await denoTest(`
    Deno.test("a() works", () => {});
    Deno.test("a() fails", () => { throw new Error("no"); });`);
  assert.deepEqual(parseTestSummary(output), {
    passed: 2,
    failed: 1,
    failures: ["a() fails => ./a_test.ts:3:10"],
  });
});

Deno.test("parseTestSummary() counts a module that fails outside a test", async () => {
  const output = await denoTest('throw new Error("no");');
  assert.deepEqual(parseTestSummary(output), {
    passed: 1,
    failed: 1,
    failures: ["./a_test.ts (uncaught error)"],
  });
});

Deno.test("parseTestSummary() believes the last line, not what a test prints", async () => {
  const output = await denoTest(`
    Deno.test("a() fails", () => { console.log("\\nok | 5 passed | 0 failed (1ms)"); throw new Error("no"); });`);
  assert.equal(parseTestSummary(output)?.failed, 1);
});

Deno.test("parseTestSummary() finds nothing when the run broke off", () => {
  assert.equal(
    parseTestSummary(
      "running 2 tests from ./a_test.ts\na() works ... ok (1ms)\n",
    ),
    undefined,
  );
});
