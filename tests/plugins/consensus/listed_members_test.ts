import assert from "node:assert/strict";
import type { EtcdClient } from "../../../plugins/consensus/etcd_client.ts";
import { ListedMembers } from "../../../plugins/consensus/listed_members.ts";

/** What an etcd says, which a test changes, and how often it was asked for the members. */
function etcd() {
  const said = {
    asked: 0,
    learner: false,
    leader: "1",
    member: "1",
    applied: 1,
    members: [{ ID: "1", isLearner: false }],
    list(): unknown {
      said.asked += 1;
      return { members: [...said.members] };
    },
  };
  const client = {
    maintenance: {
      status: () =>
        Promise.resolve({
          header: { cluster_id: "9", member_id: said.member },
          isLearner: said.learner,
          leader: said.leader,
          raftAppliedIndex: `${said.applied}`,
        }),
    },
    cluster: { memberList: () => Promise.try(() => said.list()) },
  };
  // The calls that a look makes, of a client that has many more.
  return { said, client: client as unknown as EtcdClient };
}

/** Whether a look has told that it found something. */
async function tells(
  listed: ListedMembers,
  client: EtcdClient,
): Promise<boolean> {
  const before = listed.found.value;
  await listed.look(client, {});
  return listed.found.value !== before;
}

Deno.test("ListedMembers.look() reads the members again only when etcd has applied something", async () => {
  const { said, client } = etcd();
  const listed = new ListedMembers();
  assert.deepEqual((await listed.look(client, {})).members, said.members);
  await listed.look(client, {});
  assert.equal(said.asked, 1);
  said.applied += 1;
  said.members.push({ ID: "2", isLearner: true });
  assert.deepEqual((await listed.look(client, {})).members, said.members);
  assert.equal(said.asked, 2);
  said.member = "3";
  await listed.look(client, {});
  assert.equal(said.asked, 3);
});

Deno.test("ListedMembers.look() tells of other members, votes and leaders, and of nothing else", async () => {
  const { said, client } = etcd();
  const listed = new ListedMembers();
  assert.equal(await tells(listed, client), true);
  assert.equal(await tells(listed, client), false);
  said.applied += 1;
  assert.equal(await tells(listed, client), false);
  said.applied += 1;
  said.members = [...said.members, { ID: "2", isLearner: true }];
  assert.equal(await tells(listed, client), true);
  said.applied += 1;
  said.members = said.members.map(({ ID }) => ({ ID, isLearner: false }));
  assert.equal(await tells(listed, client), true);
  said.leader = "2";
  assert.equal(await tells(listed, client), true);
  assert.equal(await tells(listed, client), false);
});

Deno.test("ListedMembers.forget() has the next look tell, whatever it finds", async () => {
  const { client } = etcd();
  const listed = new ListedMembers();
  await listed.look(client, {});
  listed.forget();
  assert.equal(await tells(listed, client), true);
});

Deno.test("ListedMembers.look() asks a learner for no members, and tells of none", async () => {
  const { said, client } = etcd();
  said.learner = true;
  const listed = new ListedMembers();
  assert.equal(await tells(listed, client), false);
  assert.deepEqual((await listed.look(client, {})).members, []);
  assert.equal(said.asked, 0);
});

Deno.test("ListedMembers.look() reads again what it could not", async () => {
  const { said, client } = etcd();
  const listed = new ListedMembers();
  const { list } = said;
  said.list = () => {
    throw new Error("etcd is away");
  };
  await assert.rejects(listed.look(client, {}), /etcd is away/);
  said.list = list;
  assert.equal(await tells(listed, client), true);
});
