import assert from "node:assert/strict";
import { StartError } from "../../../runtime/node/errors.ts";
import { readManifest } from "../../../runtime/node/read_manifest.ts";
import { tempFolder } from "../../support/temp.ts";

Deno.test("readManifest() says which file cannot be read, and why", async () => {
  await using folder = await tempFolder();
  for (
    const [path, why] of [
      [`${folder.path}/none.json`, /: there is none$/],
      [folder.path, /: it is a folder, and a file belongs there$/],
    ] as const
  ) {
    await assert.rejects(
      readManifest(path),
      (error) =>
        error instanceof StartError && error.exitCode === 1 &&
        error.message.startsWith(`Cannot read manifest "${path}": `) &&
        why.test(error.message),
    );
  }
});

Deno.test("readManifest() says which file cannot be used, then each place", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/deno.json`;
  await Deno.writeTextFile(path, `{"plugins": {"a": {}, "b": 1}}`);
  await assert.rejects(
    readManifest(path),
    (error) => {
      assert(error instanceof StartError);
      const [heading, ...problems] = error.message.split("\n");
      assert.equal(
        heading,
        `Cannot use manifest "${path}"; correct it and start again:`,
      );
      assert.equal(problems.length, 2);
      return problems.every((problem) => problem.startsWith(`${path}:1:`));
    },
  );
});
