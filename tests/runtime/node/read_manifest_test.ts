import assert from "node:assert/strict";
import { ManifestError } from "../../../runtime/manifest/mod.ts";
import { StartError } from "../../../runtime/node/errors.ts";
import { readManifest } from "../../../runtime/node/read_manifest.ts";
import { tempFolder } from "../../support/temp.ts";

Deno.test("readManifest() says which file cannot be read, and why", async () => {
  await using folder = await tempFolder();
  for (
    const [path, why] of [
      [`${folder.path}/none.json`, /: there is none$/],
      [folder.path, /: Is a directory/],
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

Deno.test("readManifest() leaves what is wrong in a file to the schema", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/deno.json`;
  await Deno.writeTextFile(path, "{");
  await assert.rejects(
    readManifest(path),
    (error) =>
      error instanceof ManifestError &&
      error.message.startsWith(`${path}:1:`),
  );
});
