import assert from "node:assert/strict";
import { removeOldPrograms } from "../../../runtime/node/embedded_programs.ts";
import { unpackProgram } from "../../../runtime/node/unpack_program.ts";
import { digestOf } from "../../../scripts/distribution/digest.ts";
import { tempFolder } from "../../support/temp.ts";

/** Makes a program ready as a start does, and returns where it is executed. */
async function unpack(data: string, content: string): Promise<string> {
  const source = `${data}/${content}`;
  await Deno.writeTextFile(source, content);
  return await unpackProgram({
    name: "etcd",
    source: new URL(`file://${source}`),
    digest: digestOf(content),
  }, `${data}/bin`);
}

async function left(data: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(`${data}/bin`)) names.push(name);
  return names.sort();
}

Deno.test("removeOldPrograms() removes what an earlier Hamlet ran, and half written files", async () => {
  await using folder = await tempFolder();
  const data = folder.path;
  await unpack(data, "old");
  const etcd = await unpack(data, "new");
  await Deno.writeTextFile(`${data}/bin/${digestOf("other")}.new`, "half");
  await removeOldPrograms(data, { etcd, ip: "ip" });
  assert.deepEqual(await left(data), [digestOf("new"), "etcd"].sort());
  assert.equal(await Deno.readTextFile(etcd), "new");
});

Deno.test("removeOldPrograms() keeps what it is told by another name, and removes what nobody runs", async () => {
  await using folder = await tempFolder();
  const data = folder.path;
  await unpack(data, "old");
  const named = `${data}/bin/${digestOf("old")}`;
  await removeOldPrograms(data, { etcd: named });
  assert.deepEqual(await left(data), [digestOf("old")]);
  await removeOldPrograms(data, { etcd: "/usr/bin/false" });
  assert.deepEqual(await left(data), []);
});

Deno.test("removeOldPrograms() is fine where there never was any", async () => {
  await using folder = await tempFolder();
  await removeOldPrograms(folder.path, { etcd: "etcd" });
});
