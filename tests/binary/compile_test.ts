import assert from "node:assert/strict";
import { CommandError, run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { copyCheckout } from "./support/checkout_copy.ts";
import { compile, program, root, versionOf } from "./support/program.ts";

/** A copy of the checkout, and room beside it. */
async function checkoutCopy() {
  const temp = await tempFolder();
  const path = `${temp.path}/elsewhere`;
  await copyCheckout(path);
  return {
    path,
    output: `${temp.path}/hamlet`,
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

/** Checks that nothing is compiled, and what a person is told. */
async function assertNotCompiled(
  checkout: string,
  args: readonly string[],
  code: number,
  says: RegExp,
): Promise<void> {
  const { path: folder, ...temp } = await tempFolder();
  await using _ = temp;
  const output = `${folder}/hamlet`;
  await assert.rejects(
    compile(checkout, ["--output", output, ...args]),
    (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.code, code, error.message);
      assert.match(error.stderr, says);
      return true;
    },
  );
  await assert.rejects(Deno.stat(output), Deno.errors.NotFound);
}

Deno.test("scripts/compile makes the same program of the same input, wherever and whenever", async () => {
  await using checkout = await checkoutCopy();
  const { stdout } = await compile(checkout.path, [
    "--output",
    checkout.output,
  ]);
  const other = await versionOf(checkout.output);
  const tested = await versionOf();
  // A copy has no history; of a checkout without one, even the bytes are the same.
  assert.deepEqual({ ...other, commit: tested.commit }, tested);
  const { size } = await Deno.stat(checkout.output);
  assert.ok(Math.abs(size - (await Deno.stat(program())).size) < 100);

  const again = `${checkout.output}-again`;
  await run("find", [checkout.path, "-exec", "touch", "-d@1", "{}", "+"]);
  await compile(checkout.path, ["--output", again]);
  await run("cmp", [checkout.output, again]);

  assert.match(stdout, /^hamlet \S+ for \S+, commit unknown\n/);
  assert.match(stdout, /\n {2}etcd3@1\.1\.2\n/);
  assert.match(stdout, /\nplugin ca +\S+ KiB +[0-9a-f]{64}\n/);
  assert.match(stdout, /\netcd 3\.\S+ +\S+ MiB +[0-9a-f]{64}\n/);
  assert.match(stdout, /\n {2}writes \$\{data\}\/ca\n/);
});

Deno.test("scripts/compile tells two builds apart by the plugin that changed", async () => {
  await using checkout = await checkoutCopy();
  await Deno.writeTextFile(
    `${checkout.path}/plugins/hostsfile/hosts_file.ts`,
    "\n// Changed.\n",
    { append: true },
  );
  await compile(checkout.path, ["--etcd", "none", "--output", checkout.output]);
  const other = await versionOf(checkout.output);
  const tested = await versionOf();
  assert.notEqual(other.digest, tested.digest);
  assert.deepEqual(other.programs, {});
  const changed = other.plugins.filter(({ digest }, i) =>
    digest !== tested.plugins[i]?.digest
  );
  assert.deepEqual(changed.map(({ name }) => name), ["hostsfile"]);
});

Deno.test("scripts/compile refuses a manifest with its faults, each with its place", async () => {
  await using checkout = await checkoutCopy();
  const file = `${checkout.path}/deno.json`;
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.replace('"sys"', '"syss"'));
  await assertNotCompiled(
    checkout.path,
    [],
    1,
    /deno\.json:\d+:\d+: plugins\.network\.permissions\.syss is not known/,
  );
});

Deno.test("scripts/compile refuses a plugin that takes in what is not its own", async () => {
  await using checkout = await checkoutCopy();
  const secret = `${checkout.output}.secret.ts`;
  await Deno.writeTextFile(secret, "export {};\n");
  const plugin = `${checkout.path}/plugins/hostsfile`;
  const module = await Deno.readTextFile(`${plugin}/mod.ts`);
  await Deno.writeTextFile(
    `${plugin}/mod.ts`,
    `import "${secret}";\n${module}`,
  );
  await assertNotCompiled(
    checkout.path,
    [],
    1,
    /Cannot take ".*secret\.ts" in/,
  );

  await Deno.writeTextFile(`${plugin}/mod.ts`, module);
  await Deno.symlink(secret, `${plugin}/link.ts`);
  await assertNotCompiled(
    checkout.path,
    [],
    1,
    /Cannot take ".*link\.ts" in: it is a symbolic link/,
  );
});

for (
  const [what, args, code, says] of [
    [
      "an etcd that is none",
      ["--etcd", "/bin/true"],
      1,
      /Cannot put "\/bin\/true" in: .*it is another one/,
    ],
    [
      "an etcd that is not there",
      ["--etcd", "/nowhere"],
      1,
      /there is no such program/,
    ],
    [
      "an etcd for other machines",
      ["--target", "aarch64-unknown-linux-gnu"],
      1,
      /it is no program for aarch64/,
    ],
    [
      "a manifest that is not there",
      ["--config", "/nowhere/deno.json"],
      1,
      /Cannot read manifest "\/nowhere\/deno.json"/,
    ],
    ["a flag that it does not know", ["--nonsense"], 2, /--nonsense/],
  ] as const
) {
  Deno.test(`scripts/compile refuses ${what}`, async () => {
    if (Deno.build.arch === "x86_64" || !what.includes("machines")) {
      await assertNotCompiled(root, args, code, says);
    }
  });
}

Deno.test("scripts/compile refuses a base for checks where nobody asked for it", async () => {
  if (!(await versionOf()).forChecks) return;
  await using folder = await tempFolder();
  const old = `${folder.path}/deno`;
  await Deno.writeTextFile(old, "#!/bin/sh\necho 'deno 2.7.11 (stable)'\n");
  await Deno.chmod(old, 0o755);
  await assert.rejects(
    run(`${root}scripts/compile`, [], { env: { DENO: old } }),
    {
      code: 1,
      stderr: /Cannot release what Deno 2\.7\.11 compiles.*--for-checks/s,
    },
  );
});
