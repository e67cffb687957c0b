import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import { unpackProgram } from "../../../runtime/node/unpack_program.ts";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";

const text = "#!/bin/sh\necho packed\n";
const digest = createHash("sha256").update(text).digest("hex");

/** A program, and a place for it that is not there yet. */
async function packed() {
  const temp = await tempFolder();
  const source = `${temp.path}/source`;
  await Deno.writeTextFile(source, text);
  return {
    program: { name: "example", source: pathToFileURL(source), digest },
    source,
    folder: `${temp.path}/data/bin`,
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("unpackProgram() writes a program that its owner alone may execute", async () => {
  await using at = await packed();
  const path = await unpackProgram(at.program, at.folder);
  assert.equal(path, `${at.folder}/example`);
  assert.equal(await Deno.realPath(path), `${at.folder}/${digest}`);
  assert.equal((await run(path, [])).stdout, "packed\n");
  const { mode } = await Deno.stat(path);
  assert.equal((mode ?? 0) & 0o7777, 0o500);
  assert.equal(((await Deno.stat(at.folder)).mode ?? 0) & 0o7777, 0o700);
});

Deno.test("unpackProgram() writes it once", async () => {
  await using at = await packed();
  const path = await unpackProgram(at.program, at.folder);
  const { ino } = await Deno.stat(path);
  await Deno.remove(at.source);
  assert.equal(await unpackProgram(at.program, at.folder), path);
  assert.equal((await Deno.stat(path)).ino, ino);
});

Deno.test("unpackProgram() replaces what a start that was killed left half written", async () => {
  await using at = await packed();
  await Deno.mkdir(at.folder, { recursive: true });
  await Deno.writeTextFile(`${at.folder}/${digest}.new`, text.slice(0, 9));
  const path = await unpackProgram(at.program, at.folder);
  assert.equal((await run(path, [])).stdout, "packed\n");
  const names = await Array.fromAsync(
    Deno.readDir(at.folder),
    ({ name }) => name,
  );
  assert.deepEqual(names.sort(), [digest, "example"]);
});

Deno.test("unpackProgram() leads the name to the newest, whatever it led to", async () => {
  await using at = await packed();
  await Deno.mkdir(at.folder, { recursive: true });
  await Deno.symlink("/bin/false", `${at.folder}/example`);
  await Deno.symlink("/bin/false", `${at.folder}/example.new`);
  const path = await unpackProgram(at.program, at.folder);
  assert.equal((await run(path, [])).stdout, "packed\n");
});

Deno.test("unpackProgram() refuses one that somebody has changed, and leaves it as it is", async () => {
  await using at = await packed();
  await unpackProgram(at.program, at.folder);
  const path = `${at.folder}/${digest}`;
  await Deno.chmod(path, 0o700);
  await Deno.writeTextFile(path, "echo other\n", { append: true });
  await assert.rejects(unpackProgram(at.program, at.folder), {
    name: "StartError",
    exitCode: 1,
    message: new RegExp(
      `Cannot run "${path}": it is not the example that .* SHA-256 is [0-9a-f]{64}.*remove it`,
    ),
  });
  assert.match(await Deno.readTextFile(path), /other/);
});

Deno.test("unpackProgram() refuses what is not what it was when it was packed", async () => {
  await using at = await packed();
  await Deno.writeTextFile(at.source, "echo other\n");
  await assert.rejects(unpackProgram(at.program, at.folder), {
    name: "StartError",
  });
});
