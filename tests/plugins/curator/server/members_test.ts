import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import type { Client, cluster, Member } from "hamlet";
import { Code } from "../../../../plugins/curator/grpc/rpc_error.ts";
import { Members } from "../../../../plugins/curator/server/members.ts";
import { NodeRecordSchema } from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { freePort } from "../../../support/port.ts";
import { admin, report, startMember, type TestMember } from "./harness.ts";

/** Joins as a member, as far as etcd's start. */
async function joinAsMember(member: TestMember, name = "") {
  const node = await member.join({ role: "member", name });
  await node.connection.membership.report(report());
  return node;
}

function url(port = freePort()): string {
  return `https://127.0.0.1:${port}`;
}

Deno.test("Membership.AddMember adds a learner once, and again where it starts anew", async () => {
  await using member = await startMember();
  using node = await joinAsMember(member);
  const { membership } = node.connection;
  const peerUrl = url();
  const added = await membership.addMember({ peerUrl });
  assert.deepEqual(
    added.members.map(({ name }) => name).sort(),
    [member.machine.id, node.machine.id].sort(),
  );
  assert.ok(added.members.some((one) => one.peerUrl === peerUrl));
  const again = await membership.addMember({ peerUrl });
  assert.deepEqual(again.memberId, added.memberId);
  const anew = await membership.addMember({ peerUrl, restart: true });
  assert.notEqual(anew.memberId, added.memberId);
  const { members } = await member.cluster.members({});
  assert.deepEqual(
    members.filter(({ learner }) => learner).map(({ id }) => id),
    [anew.memberId],
  );
});

Deno.test("Membership.AddMember finds a learner that was added right before a crash", async () => {
  await using member = await startMember();
  using node = await joinAsMember(member);
  const peerUrl = url();
  const { id } = await member.cluster.addLearner({ peerURL: peerUrl });
  const { memberId } = await node.connection.membership.addMember({ peerUrl });
  assert.equal(memberId, id);
  // Nor is it left behind where the node is taken out before its etcd starts.
  await Array.fromAsync(
    member.membership.remove({ node: node.machine.id }, admin()),
  );
  const { members } = await member.cluster.members({});
  assert.deepEqual(members.map(({ name }) => name), [member.machine.id]);
});

Deno.test("Membership.AddMember adds no etcd that the members cannot work with", async () => {
  await using member = await startMember();
  using node = await joinAsMember(member);
  const { membership } = node.connection;
  await assert.rejects(
    membership.addMember({ peerUrl: url(), etcdVersion: "3.6.6" }),
    {
      code: Code.INVALID_ARGUMENT,
      message: /at etcd 3\.4 and cannot work with etcd 3\.6\.6/,
    },
  );
  assert.equal((await member.cluster.members({})).members.length, 1);
  await membership.addMember({ peerUrl: url(), etcdVersion: "3.5.24" });
});

Deno.test("Membership.AddMember adds nobody at another's address", async () => {
  await using member = await startMember();
  using node = await joinAsMember(member);
  for (
    const peerUrl of [
      "https://192.0.2.66:7834",
      "http://127.0.0.1:7834",
      "https://127.0.0.1:7834/x",
      "https://127.0.0.1:7834,https://127.0.0.1:7835",
      "https://localhost:7834",
      "https://127.0.0.1",
      "",
    ]
  ) {
    await assert.rejects(
      node.connection.membership.addMember({ peerUrl }),
      (error: { code?: number }) =>
        error.code === Code.INVALID_ARGUMENT ||
        error.code === Code.FAILED_PRECONDITION,
      peerUrl,
    );
  }
});

Deno.test("Membership.AddMember lets several wait, and a learner that is not promoted blocks nobody", async () => {
  await using member = await startMember({ joinTimeout: 1 });
  using first = await joinAsMember(member, "a");
  using second = await joinAsMember(member, "b");
  using third = await joinAsMember(member, "c");
  const peerUrl = url();
  const { memberId } = await first.connection.membership.addMember({ peerUrl });
  const added = await Promise.all(
    [second, third].map(({ connection }) =>
      connection.membership.addMember({ peerUrl: url() })
    ),
  );
  assert.equal(
    new Set([memberId, ...added.map((one) => one.memberId)]).size,
    3,
  );
  await member.log.until(
    new RegExp(`warn Removes learner "${memberId}", which was not promoted`),
  );
  // And it may join again.
  await first.connection.membership.addMember({ peerUrl });
});

Deno.test("Membership gives a member its peer certificate and the seal key", async () => {
  await using member = await startMember();
  using node = await joinAsMember(member);
  const { membership } = node.connection;
  const { certificate, authority, crl } = await membership.peerCertificate({
    publicKey: node.machine.publicKey,
  });
  assert.ok(certificate.length > 0 && crl.length > 0);
  assert.deepEqual(
    new Uint8Array(authority),
    new Uint8Array(
      (await member.ca.authority({ authority: "peer" })).certificate,
    ),
  );
  const { key } = await membership.sealKey({});
  assert.deepEqual(new Uint8Array(key), (await member.ca.sealKey({})).key);
});

/** What is wrong with taking a node out of these members, of whom some can be reached. */
async function problem(
  names: readonly string[],
  alive: readonly string[],
  name: string,
  leaving: readonly string[] = [],
): Promise<string | undefined> {
  const record = (id: string) => create(NodeRecordSchema, { id, name: id });
  const members = names.map((name, index): Member => ({
    id: String(index),
    name,
    peerURLs: [`https://192.0.2.${index}:7834`],
    learner: name === "learner",
    leader: false,
    self: false,
    reachable: alive.includes(name),
  }));
  // Of the service only what is asked for.
  const list = { members: () => Promise.resolve({ members }) };
  try {
    await new Members(
      list as unknown as Client<typeof cluster>,
      (id) => id === "c" ? "carol" : undefined,
    ).refuseIfLost(record(name), {}, leaving.map(record));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

Deno.test("Members.refuseIfLost() lets go whom the majority does not need", async () => {
  const three = ["a", "b", "c"];
  assert.equal(await problem(three, ["a", "b"], "c"), undefined);
  assert.equal(await problem(three, three, "a"), undefined);
  assert.equal(await problem(["a", "b"], ["a"], "b"), undefined);
  assert.equal(await problem(["a", "learner"], ["a"], "learner"), undefined);
  assert.equal(await problem(["a"], ["a"], "worker"), undefined);
});

Deno.test("Members.refuseIfLost() counts nobody who is on his way out", async () => {
  assert.match(
    await problem(["a", "b"], ["a", "b"], "a", ["b"]) ?? "",
    /the only one/,
  );
  assert.equal(
    await problem(["a", "b", "c"], ["a", "b", "c"], "a", ["b"]),
    undefined,
  );
  assert.match(
    await problem(["a", "b", "c"], ["a", "b"], "a", ["b"]) ?? "",
    /of the 1 that would be left 0 would answer, not "carol"/,
  );
});

Deno.test("Members.refuseIfLost() keeps whom the majority needs, and says why", async () => {
  assert.match(
    await problem(["a", "b", "c"], ["a", "b"], "a") ?? "",
    /of the 2 that would be left 1 would answer, not "carol", and 2 make a majority/,
  );
  assert.match(
    await problem(["a", "b"], ["b"], "b") ?? "",
    /of the 1 that would be left 0 would answer, not "a"/,
  );
  assert.match(
    await problem(["a", "learner"], ["a", "learner"], "a") ?? "",
    /the only one/,
  );
});
