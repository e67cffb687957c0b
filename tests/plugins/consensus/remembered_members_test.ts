import assert from "node:assert/strict";
import type { Member } from "hamlet";
import { RememberedMembers } from "../../../plugins/consensus/remembered_members.ts";
import { tempFolder } from "../../support/temp.ts";

function member(id: string, learner = false): Member {
  return {
    id,
    name: `node-${id}`,
    peerURLs: [`https://192.0.2.${id}:7834`],
    learner,
    leader: true,
    self: false,
    reachable: true,
  };
}

Deno.test("RememberedMembers.update() takes several lists at once, and the last is what a start finds", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/members.json`;
  const members = await RememberedMembers.open(path, "node-1");
  await Promise.all(
    [[member("1")], [member("1"), member("2", true)], [member("1")], [
      member("1"),
      member("2"),
    ]].map((list) => members.update(list)),
  );
  const { list } = await RememberedMembers.open(path, "node-1");
  assert.deepEqual(
    list.map(({ id, learner, leader, self, reachable }) => ({
      id,
      learner,
      leader,
      self,
      reachable,
    })),
    [
      { id: "1", learner: false, leader: false, self: true, reachable: true },
      { id: "2", learner: false, leader: false, self: false, reachable: false },
    ],
  );
});

Deno.test("RememberedMembers.open() takes a damaged file for none", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/members.json`;
  for (const text of ["", "[{]", '[{"id":"1"}]']) {
    await Deno.writeTextFile(path, text);
    assert.deepEqual((await RememberedMembers.open(path, "node-1")).list, []);
  }
});

Deno.test("RememberedMembers ends with nothing half written", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/members.json`;
  {
    await using members = await RememberedMembers.open(path, "node-1");
    void members.update([member("1")]);
  }
  assert.deepEqual(
    Array.from(Deno.readDirSync(folder.path), ({ name }) => name),
    ["members.json"],
  );
});
