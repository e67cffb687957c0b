import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "../../runtime/atomic_file.ts";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .sort();
}

Deno.test("writeFileAtomic() replaces a file and leaves nothing else", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/file`;
  await writeFileAtomic(path, "one");
  await Deno.writeTextFile(`${path}.new`, "left by a crash");
  await writeFileAtomic(path, "two", { mode: 0o644 });
  assert.equal(await Deno.readTextFile(path), "two");
  assert.equal((await Deno.stat(path)).mode, 0o100644);
  assert.deepEqual(await names(folder.path), ["file"]);
});

Deno.test("writeFileAtomic() leaves what was there and nothing else on a full disk, and says so", async () => {
  await using folder = await tempFolder();
  const script = fileURLToPath(
    new URL("./write_on_full_disk.ts", import.meta.url),
  );
  const { stdout } = await run("unshare", [
    "--mount",
    "sh",
    "-euc",
    'mount -t tmpfs -o size=64k none "$1"; shift; exec "$@"',
    "sh",
    folder.path,
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-all",
    "--no-config",
    script,
    folder.path,
  ]);
  assert.deepEqual(JSON.parse(stdout), {
    error: "No space left on device (os error 28)",
    names: ["file"],
    content: "old",
  });
});

Deno.test("writeFileAtomic() leaves nothing where it may not take the file's place", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/file`);
  await assert.rejects(
    writeFileAtomic(`${folder.path}/file`, "new"),
    Deno.errors.IsADirectory,
  );
  assert.deepEqual(await names(folder.path), ["file"]);
});
