import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { tempFolder } from "./temp.ts";

Deno.test("tempFolder() makes an empty folder for its owner that is gone afterwards", async () => {
  let path: string;
  {
    await using folder = await tempFolder();
    path = folder.path;
    assert.ok(path.length < 40);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.deepEqual([...Deno.readDirSync(path)], []);
    await Deno.mkdir(`${path}/a/b`, { recursive: true });
    await Deno.writeTextFile(`${path}/a/b/c`, "");
  }
  await assert.rejects(stat(path), { code: "ENOENT" });
});
