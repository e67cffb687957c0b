import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Whether scripts/proto has what it needs; fetching it is nothing for a test. */
function hasBuf(): boolean {
  const cache = Deno.env.get("XDG_CACHE_HOME") ??
    `${Deno.env.get("HOME")}/.cache`;
  const script = Deno.readTextFileSync(`${ROOT}scripts/proto`);
  const version = (name: string) =>
    new RegExp(`^${name}_version=(.*)$`, "m").exec(script)?.[1];
  return existsSync(
    `${cache}/hamlet/tools/${Deno.build.arch}/buf-${version("buf")}-${
      version("protobuf")
    }`,
  );
}

async function files(folder: string, below = ""): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (
    const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)
  ) {
    const path = `${below}/${name}`;
    if (isDirectory) {
      for (const [one, text] of await files(folder, path)) found.set(one, text);
    } else found.set(path, await Deno.readTextFile(`${folder}${path}`));
  }
  return found;
}

Deno.test({
  name: "proto/gen is what scripts/proto makes of the .proto files",
  ignore: !hasBuf(),
  async fn() {
    await using folder = await tempFolder();
    await run(`${ROOT}scripts/proto`, [folder.path], { timeout: 120_000 });
    assert.deepEqual(
      await files(folder.path),
      await files(`${ROOT}proto/gen`),
    );
  },
});
