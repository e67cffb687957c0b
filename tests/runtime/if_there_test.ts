import assert from "node:assert/strict";
import { ifThere } from "../../runtime/if_there.ts";

Deno.test("ifThere() returns what came of it, and undefined where there is no such file", async () => {
  const text = await ifThere(Deno.readTextFile(import.meta.filename ?? ""));
  assert.match(text ?? "", /what came of it/);
  assert.equal(await ifThere(Deno.readTextFile("/nowhere/file")), undefined);
});

Deno.test("ifThere() rejects with any other failure", async () => {
  await assert.rejects(ifThere(Deno.readTextFile("/")), /directory/);
});
