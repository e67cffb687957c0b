import assert from "node:assert/strict";
import { AdminClient } from "../../../runtime/admin/client.ts";
import { NoNodeError } from "../../../runtime/admin/errors.ts";
import { tempFolder } from "../../support/temp.ts";

Deno.test("AdminClient.status() rejects when the node does not answer", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/hamlet.sock`;
  // The kernel accepts for a stopped process, too.
  using _stopped = Deno.listen({ transport: "unix", path });
  using client = new AdminClient(path, { patience: 20 });
  await assert.rejects(
    client.status(),
    (error) =>
      error instanceof NoNodeError &&
      error.message.startsWith(`The node at "${path}" does not answer: `),
  );
});
