import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import {
  withBlock,
  writeHostsBlock,
} from "../../../runtime/node/hosts_block.ts";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined) =>
  content === undefined ? undefined : new TextDecoder().decode(content);
const block = (...lines: string[]) =>
  [
    "# Begin of the nodes of Hamlet: written by it, do not edit",
    ...lines,
    "# End of the nodes of Hamlet",
    "",
  ].join("\n");

Deno.test("withBlock() appends a block, then replaces it where it is", () => {
  const first = withBlock(bytes("127.0.0.1 localhost\n"), ["192.0.2.1 a"]);
  assert.equal(text(first), `127.0.0.1 localhost\n${block("192.0.2.1 a")}`);
  const between = bytes(`${text(first)}192.0.2.9 mine\n`);
  assert.equal(
    text(withBlock(between, ["192.0.2.2 b", "192.0.2.3 c"])),
    `127.0.0.1 localhost\n${
      block("192.0.2.2 b", "192.0.2.3 c")
    }192.0.2.9 mine\n`,
  );
});

Deno.test("withBlock() leaves every other byte alone, also where it is no text", () => {
  const odd = Uint8Array.of(0xff, 0x00, 0x0d, 0x0a, 0xc3, 0x0a, 0x41);
  const once = withBlock(odd, ["192.0.2.1 a"]);
  assert(once);
  assert.deepEqual(once.subarray(0, odd.length), Buffer.from(odd));
  const twice = withBlock(once, []);
  assert(twice);
  assert.deepEqual(
    twice.toString(),
    Buffer.concat([odd, bytes(`\n${block()}`)]).toString(),
  );
});

Deno.test("withBlock() touches nothing where the markers are not one pair", () => {
  const one = block("192.0.2.1 a");
  const [begin = "", , end = ""] = one.split("\n").map((line) => `${line}\n`);
  for (const bad of [begin, end, end + begin, one + one, begin + one]) {
    assert.equal(withBlock(bytes(bad), []), undefined);
  }
  // Somebody's words about the marker are none.
  assert(withBlock(bytes(`# see ${begin}`), []));
});

Deno.test("writeHostsBlock() replaces the file, keeps its mode, and writes only a change", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/hosts`;
  await Deno.writeTextFile(path, "127.0.0.1 localhost\n", { mode: 0o640 });
  await Deno.symlink(path, `${folder.path}/link`);
  assert(await writeHostsBlock(`${folder.path}/link`, ["192.0.2.1 a"]));
  const { ino, mode } = await Deno.stat(path);
  assert.equal((mode ?? 0) & 0o777, 0o640);
  assert((await Deno.lstat(`${folder.path}/link`)).isSymlink);
  assert(!await writeHostsBlock(path, ["192.0.2.1 a"]));
  assert.equal((await Deno.stat(path)).ino, ino);
  const names = await Array.fromAsync(Deno.readDir(folder.path));
  assert.equal(names.length, 2);
});

Deno.test("writeHostsBlock() writes a file in place that is a mount point", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/hosts`;
  await Deno.writeTextFile(
    path,
    `# head\n${block("192.0.2.1 a", "192.0.2.2 b")}`,
  );
  const module = new URL(
    "../../../runtime/node/hosts_block.ts",
    import.meta.url,
  );
  const code = `
    const { writeHostsBlock } = await import(${JSON.stringify(module.href)});
    console.log(await writeHostsBlock(${
    JSON.stringify(path)
  }, ["192.0.2.3 c"]));
    console.log([...Deno.readDirSync(${JSON.stringify(folder.path)})].length);
  `;
  const { stdout } = await run("unshare", [
    "--mount",
    "sh",
    "-euc",
    `mount --bind "$1" "$1"; shift; exec "$@"`,
    "sh",
    path,
    Deno.execPath(),
    "eval",
    "--quiet",
    "--no-config",
    code,
  ]);
  assert.equal(stdout, "true\n1\n");
  assert.equal(
    await Deno.readTextFile(path),
    `# head\n${block("192.0.2.3 c")}`,
  );
});

Deno.test("writeHostsBlock() says what to do where it cannot", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/hosts`;
  await assert.rejects(writeHostsBlock(path, []), {
    name: "HostsBlockError",
    message: /allow it, or leave out plugins\.hostsfile\.etcHosts$/,
  });
  await Deno.writeTextFile(path, "# End of the nodes of Hamlet\n");
  await assert.rejects(writeHostsBlock(path, []), /not one pair; remove them/);
});
