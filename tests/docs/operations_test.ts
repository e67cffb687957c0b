import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url).pathname;

/** All text of the program, string literals that go on in the next line put together. */
async function programText(): Promise<string> {
  const files: string[] = [];
  async function read(folder: string): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await read(path);
      else if (name.endsWith(".ts")) files.push(await Deno.readTextFile(path));
    }
  }
  await read(`${root}runtime`);
  await read(`${root}plugins`);
  return files.join("\n").replaceAll(/[`"] \+\s*[`"]/g, "");
}

Deno.test("docs/operations.md quotes messages as the program has them", async () => {
  const text = await programText();
  const document = await Deno.readTextFile(`${root}docs/operations.md`);
  const [, ...tables] = document.split("\n## When it ");
  const quoted = tables.join("").matchAll(/^\| `([^`]+)` +\|/gm)
    .map(([, message = ""]) => message).toArray();
  assert.ok(quoted.length > 40, `There are only ${quoted.length} messages`);
  const missing = quoted.flatMap((message) =>
    message.split("…").map((part) => part.trim()).filter((part) =>
      part.length > 3 && !text.includes(part)
    ).map((part) => `${part} (of ${message})`)
  );
  assert.deepEqual(missing, []);
});
