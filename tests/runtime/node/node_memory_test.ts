import assert from "node:assert/strict";
import {
  type NodeFile,
  readNodeFile,
} from "../../../runtime/node/node_file.ts";
import { NodeMemory } from "../../../runtime/node/node_memory.ts";
import { tempFolder } from "../../support/temp.ts";

const file: NodeFile = {
  version: 2,
  id: `hamlet-${"0".repeat(32)}`,
  origin: "join",
  role: "member",
  peerPort: 7834,
  curatorPort: 7835,
  established: true,
};

Deno.test("NodeMemory.update() keeps every change of several at once", async () => {
  await using folder = await tempFolder();
  const memory = new NodeMemory(folder.path, file);
  await Promise.all([
    memory.update({ role: "worker", formerRole: "member" }),
    memory.update({ established: false }),
    memory.update({ formerRole: undefined }),
  ]);
  assert.deepEqual(await readNodeFile(folder.path), {
    ...file,
    role: "worker",
    established: false,
  });
});

Deno.test("NodeMemory.update() remembers nothing that could not be written", async () => {
  await using folder = await tempFolder();
  const data = `${folder.path}/data`;
  const memory = new NodeMemory(data, file);
  await assert.rejects(
    memory.update({ removed: "by admin" }),
    Deno.errors.NotFound,
  );
  assert.equal(memory.file.removed, undefined);
  await Deno.mkdir(data);
  await memory.update({ removed: "by admin" });
  assert.equal(memory.file.removed, "by admin");
  assert.equal((await readNodeFile(data)).removed, "by admin");
});
