import assert from "node:assert/strict";
import { tempFolder } from "../../support/temp.ts";
import { hamlet } from "./served_node.ts";

Deno.test("hamlet install does not show a join token", async () => {
  await using folder = await tempFolder();
  const token = `${folder.path}/token`;
  await Deno.writeTextFile(token, "hamlet1.worker.s3cret\n");
  const { stdout, code } = await hamlet([
    ...["install", "--dry-run", "--join-file", token, "--root", folder.path],
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /--join-file \/etc\/hamlet\/join-token$/m);
  assert.doesNotMatch(stdout, /s3cret/);
});

Deno.test("hamlet install leaves a config file as it is where no flag is about one", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/etc/hamlet`, { recursive: true });
  await Deno.writeTextFile(`${folder.path}/etc/hamlet/config.json`, "{}");
  const { stdout, stderr, code } = await hamlet([
    ...["install", "--dry-run", "--new-cluster", "--root", folder.path],
  ]);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout, /write .*config\.json/);
  assert.match(
    stdout,
    /^Nothing of this has been done, nor can it be from a checkout: compile /m,
  );
});
