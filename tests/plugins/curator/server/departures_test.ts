import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { ServiceError } from "hamlet";
import { Code } from "../../../../plugins/curator/grpc/rpc_error.ts";
import { Departures } from "../../../../plugins/curator/server/departures.ts";
import { Invitations } from "../../../../plugins/curator/server/invitations.ts";
import { Members } from "../../../../plugins/curator/server/members.ts";
import { membershipService } from "../../../../plugins/curator/server/membership_service.ts";
import { NodeFeed } from "../../../../plugins/curator/server/node_feed.ts";
import { NodesStore } from "../../../../plugins/curator/server/nodes_store.ts";
import { Sessions } from "../../../../plugins/curator/server/sessions.ts";
import { upkeep } from "../../../../plugins/curator/server/upkeep.ts";
import {
  NodeRecordSchema,
  Pending,
  Role,
} from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { supervise } from "../../../../runtime/supervisor/mod.ts";
import { freePort } from "../../../support/port.ts";
import { RecordedLog } from "../client/recorded_log.ts";
import { admin, report, startMember, type TestMember } from "./harness.ts";

async function remove(member: TestMember, node: string): Promise<string[]> {
  const steps = await Array.fromAsync(
    member.membership.remove({ node }, admin()),
  );
  assert.deepEqual(
    steps.map(({ done }) => done),
    steps.map((_, index) => index === steps.length - 1),
  );
  return steps.map(({ step }) => step);
}

/** What etcd and the authorities still have of a node. */
async function traces(member: TestMember, id: string): Promise<string[]> {
  const keys = [];
  for (const prefix of ["/nodes/", "/names/", "/sessions/"]) {
    const { kvs } = await member.kv.range({ prefix });
    keys.push(
      ...kvs.filter(({ key, value }) =>
        key.endsWith(id) || new TextDecoder().decode(value) === id
      ).map(({ key }) => key),
    );
  }
  const { members } = await member.cluster.members({});
  const { certificates } = await member.ca.list({});
  return [
    ...keys,
    ...members.filter(({ name }) => name === id).map(() => "member"),
    ...members.filter(({ learner }) => learner).map(() => "learner"),
    ...certificates.filter(({ name, revoked }) => name === id && !revoked)
      .map(({ authority }) => authority),
  ];
}

function sessionsOf({ kv: store, log, machine: { id } }: TestMember): Sessions {
  return new Sessions({
    store,
    self: { id, instance: new Uint8Array(16) },
    log,
  });
}

Deno.test("remove takes out all that there is of a node, and its name is free", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "member", name: "db-1" });
  const { membership } = node.connection;
  const { id, publicKey } = node.machine;
  await membership.report(report());
  await membership.peerCertificate({ publicKey });
  await membership.addMember({ peerUrl: `https://127.0.0.1:${freePort()}` });
  assert.deepEqual(
    (await traces(member, id)).sort(),
    [
      `/nodes/${id}`,
      `/sessions/${id}`,
      "/names/db-1",
      "cluster",
      "learner",
      "peer",
    ].sort(),
  );
  const steps = await remove(member, "db-1");
  assert.deepEqual(await traces(member, id), []);
  assert.equal(steps.length, 4);
  await assert.rejects(membership.report(report()), { reason: "removed" });
  using _other = await member.join({ name: "db-1" });
});

Deno.test("remove finds nobody who is not there, and keeps the only member", async () => {
  await using member = await startMember();
  await assert.rejects(remove(member, "db-1"), { code: "not-found" });
  await assert.rejects(remove(member, "founder"), {
    code: "failed-precondition",
    message: /it is the only one/,
  });
  // And it is not marked.
  const { nodes } = await member.membership.nodes({}, admin());
  assert.equal(nodes[0]?.state, "ready");
});

Deno.test("Departures.remove() leaves nothing behind where etcd refuses", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "member", name: "db-1" });
  await node.connection.membership.report(report());
  await node.connection.membership.addMember({
    peerUrl: `https://127.0.0.1:${freePort()}`,
  });
  const nodes = new NodesStore(member.kv);
  const pending = async () =>
    (await nodes.read(node.machine.id, {}))?.record.pending;
  let code: "failed-precondition" | "unavailable" = "failed-precondition";
  const departures = new Departures({
    authorities: member.ca,
    members: new Members({
      ...member.cluster,
      members: () => member.cluster.members({}),
      async remove() {
        assert.equal(await pending(), Pending.REMOVAL_ASKED);
        throw new ServiceError(code, "etcd refuses");
      },
    }, () => undefined),
    nodes,
    sessions: sessionsOf(member),
    self: member.machine.id,
  });
  const steps = () => Array.fromAsync(departures.remove("db-1", {}));
  await assert.rejects(steps(), { message: "etcd refuses" });
  assert.equal(await pending(), Pending.UNSPECIFIED);
  // It may have done it all the same.
  code = "unavailable";
  await assert.rejects(steps(), /etcd did not say whether/);
  assert.equal(await pending(), Pending.REMOVAL_ASKED);
});

Deno.test("a removal that was begun is brought to its end by the leader", async () => {
  await using member = await startMember();
  using node = await member.join({ name: "web-1" });
  const nodes = new NodesStore(member.kv);
  await nodes.update(node.machine.id, (record) => {
    record.pending = Pending.REMOVAL;
    return true;
  }, {});
  await member.log.until(
    /info Goes on with node "web-1".*It is out of the cluster/,
  );
  assert.deepEqual(await traces(member, node.machine.id), []);
});

Deno.test("upkeep() takes back a removal that etcd was asked for and has not done, and goes on with one that it has", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "member", name: "db-1" });
  const { membership } = node.connection;
  const { id } = node.machine;
  await membership.report(report());
  const peerUrl = `https://127.0.0.1:${freePort()}`;
  const { memberId } = await membership.addMember({ peerUrl });
  const nodes = new NodesStore(member.kv);
  const ask = async () =>
    await nodes.update(id, (record) => {
      record.pending = Pending.REMOVAL_ASKED;
      return true;
    }, {});
  const feed = new NodeFeed();
  const log = new RecordedLog();
  const departures = new Departures({
    authorities: member.ca,
    members: new Members(member.cluster, () => undefined),
    nodes,
    sessions: sessionsOf(member),
    self: member.machine.id,
  });
  const supervisor = supervise(async (ctx) => {
    ctx.run("upkeep", (child) =>
      upkeep(child, {
        departures,
        feed,
        members: new Members(member.cluster, () => undefined),
        joinTimeout: 300_000,
        askTimeout: 1_000,
      }));
    ctx.healthy();
    await once(ctx.signal, "abort");
  }, { log: () => log });

  // It is about to be removed, so that it does not come back at the same time.
  feed.reset([{ record: await ask(), modRevision: 1 }]);
  await assert.rejects(membership.addMember({ peerUrl }), {
    code: Code.UNAVAILABLE,
  });
  await log.until(/warn Node "db-1".* stays a member/);
  const stored = await nodes.read(id, {});
  assert.equal(stored?.record.pending, Pending.UNSPECIFIED);
  assert((await traces(member, id)).includes("learner"));
  await supervisor.cancel();

  await ask();
  await member.cluster.remove({ id: memberId });
  await member.log.until(
    /info Goes on with node "db-1".*It is out of the cluster/,
  );
  assert.deepEqual(await traces(member, id), []);
});

Deno.test("a node that was removed cannot come back with its token, its key or its certificate", async () => {
  await using member = await startMember();
  const { token } = await member.membership.invite(
    { role: "worker", ttl: 600, uses: 2 },
    admin(),
  );
  using node = await member.join({ token });
  const { machine } = node;
  await remove(member, machine.id);
  await assert.rejects(member.join({ machine, token }), { reason: "removed" });
  await assert.rejects(node.connection.membership.renew({}), {
    reason: "removed",
  });
});

Deno.test("setRole makes a member a worker: its certificates of a member are revoked once it has another", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "member" });
  const { machine, connection } = node;
  await connection.membership.report(report());
  await connection.membership.peerCertificate({ publicKey: machine.publicKey });
  const steps = member.membership.setRole(
    { node: machine.id, role: "worker" },
    admin(),
  );
  const ended = Array.fromAsync(steps);
  for await (const { nodes } of connection.membership.watchNodes({})) {
    if (
      nodes.some(({ id, role }) => id === machine.id && role === Role.WORKER)
    ) {
      break;
    }
  }
  // It may no longer do what members do, whatever its certificate says.
  await assert.rejects(connection.membership.sealKey({}), {
    code: Code.PERMISSION_DENIED,
  });
  const { certificate, role } = await connection.membership.renew({});
  assert.equal(role, Role.WORKER);
  using worker = member.connect({ key: machine.key, certificate });
  await worker.membership.report(report());
  const all = await ended;
  assert.equal(all.at(-1)?.done, true);
  assert.deepEqual(
    (await traces(member, machine.id)).filter((one) => !one.startsWith("/")),
    ["cluster"],
  );
  await assert.rejects(connection.membership.renew({}), { reason: "revoked" });
  await worker.membership.report(report());
});

Deno.test("setRole makes a worker a member: its next certificate says so", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "worker" });
  const { machine, connection } = node;
  await connection.membership.report(report());
  const ended = new AbortController();
  const steps = member.membership.setRole(
    { node: machine.id, role: "member" },
    admin(ended.signal),
  )[Symbol.asyncIterator]();
  assert.match((await steps.next()).value?.step, /becomes a member/);
  await assert.rejects(connection.membership.sealKey({}), {
    code: Code.FAILED_PRECONDITION,
  });
  const { certificate, role } = await connection.membership.renew({});
  assert.equal(role, Role.MEMBER);
  using now = member.connect({ key: machine.key, certificate });
  await now.membership.sealKey({});
  const waits = steps.next();
  ended.abort();
  await assert.rejects(waits);
});

Deno.test("setRole makes a worker again of one that was about to become a member, and waits for its next certificate", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "worker" });
  const { machine, connection } = node;
  await connection.membership.report(report());
  const promotion = member.membership.setRole(
    { node: machine.id, role: "member" },
    admin(),
  )[Symbol.asyncIterator]();
  await promotion.next();
  // It has that certificate, and has not reported with it yet.
  const { certificate } = await connection.membership.renew({});
  using asMember = member.connect({ key: machine.key, certificate });
  const promoted = promotion.next();
  promoted.catch(() => {});

  const steps = member.membership.setRole(
    { node: machine.id, role: "worker" },
    admin(),
  )[Symbol.asyncIterator]();
  assert.match((await steps.next()).value?.step, /becomes a worker/);
  const next = steps.next();
  await assert.rejects(promoted, /is to be a member no more/);
  const early = await Promise.race([next.then(() => true), delay(300)]);
  assert.notEqual(early, true);
  const renewed = await asMember.membership.renew({});
  using worker = member.connect({
    key: machine.key,
    certificate: renewed.certificate,
  });
  await worker.membership.report(report());
  assert.match((await next).value?.step, /runs as a worker/);
  assert.equal((await steps.next()).value?.done, true);
  await worker.membership.report(report());
});

Deno.test("Departures.demote() leaves a node the certificate that it had renewed meanwhile", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "member" });
  const { machine } = node;
  const nodes = new NodesStore(member.kv);
  await nodes.update(machine.id, (record) => {
    record.role = Role.WORKER;
    record.pending = Pending.DEMOTION;
    return true;
  }, {});
  const { certificate } = await node.connection.membership.renew({});
  using worker = member.connect({ key: machine.key, certificate });
  await worker.membership.report(report());
  let last = certificate;
  const departures = new Departures({
    authorities: {
      ...member.ca,
      revoke: (...args) => member.ca.revoke(...args),
      async list(...args) {
        ({ certificate: last } = await worker.membership.renew({}));
        return await member.ca.list(...args);
      },
    },
    members: new Members(member.cluster, () => undefined),
    nodes,
    sessions: sessionsOf(member),
    self: member.machine.id,
  });
  const ended = Array.fromAsync(departures.finish(machine.id, {}));
  // Reports that came before do not count.
  const reports = setInterval(
    () => void worker.membership.report(report()).catch(() => {}),
    100,
  );
  await ended.finally(() => clearInterval(reports));
  using later = member.connect({ key: machine.key, certificate: last });
  await later.membership.report(report());
  await assert.rejects(node.connection.membership.renew({}), {
    reason: "revoked",
  });
});

Deno.test("Departures.demote() takes a member's certificate also from a node that reports with an older one of a worker", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "worker" });
  const { machine, connection } = node;
  const nodes = new NodesStore(member.kv);
  const become = (role: Role, pending: Pending) =>
    nodes.update(machine.id, (record) => {
      record.role = role;
      record.pending = pending;
      return true;
    }, {});
  await become(Role.MEMBER, Pending.UNSPECIFIED);
  const { certificate } = await connection.membership.renew({});
  using asMember = member.connect({ key: machine.key, certificate });
  await asMember.membership.report(report());
  await become(Role.WORKER, Pending.DEMOTION);

  const departures = new Departures({
    authorities: member.ca,
    members: new Members(member.cluster, () => undefined),
    nodes,
    sessions: sessionsOf(member),
    self: member.machine.id,
  });
  const ended = Array.fromAsync(departures.finish(machine.id, {}));
  const reports = setInterval(
    () => void connection.membership.report(report()).catch(() => {}),
    100,
  );
  await ended.finally(() => clearInterval(reports));
  await connection.membership.report(report());
  await assert.rejects(asMember.membership.renew({}), { reason: "revoked" });
});

Deno.test("upkeep() goes on with a removal although another one cannot be done yet", async () => {
  const feed = new NodeFeed();
  feed.reset(["a", "b"].map((id) => ({
    record: create(NodeRecordSchema, { id, pending: Pending.REMOVAL }),
    modRevision: 1,
  })));
  const log = new RecordedLog();
  const finished = Promise.withResolvers<void>();
  // Of each only what is asked for.
  const departures = {
    // deno-lint-ignore require-yield -- it fails, or is done at once
    async *finish(id: string) {
      await Promise.resolve();
      if (id === "a") throw new Error("no majority would be left");
      finished.resolve();
    },
  } as unknown as Departures;
  const self = { self: true, leader: true, learner: false, name: "self" };
  const members = {
    list: () => Promise.resolve([{ ...self, peerURLs: [] }]),
  } as unknown as Members;
  const supervisor = supervise(
    (ctx) => upkeep(ctx, { departures, feed, members, joinTimeout: 300_000 }),
    { log: () => log },
  );
  await finished.promise;
  await log.until(/warn Upkeep waits: no majority would be left/);
  await supervisor.cancel();
});

Deno.test("setRole says so where a node is that already", async () => {
  await using member = await startMember();
  using _worker = await member.join({ role: "worker", name: "web-1" });
  for (
    const [node, role] of [["founder", "member"], ["web-1", "worker"]] as const
  ) {
    const steps = await Array.fromAsync(
      member.membership.setRole({ node, role }, admin()),
    );
    assert.equal(steps.length, 1);
    assert.match(steps[0]?.step ?? "", new RegExp(`is a ${role} already$`));
    assert.equal(steps[0]?.done, true);
  }
});

Deno.test("nodes tells what was acknowledged, also on a member that has not heard of it yet", async () => {
  await using member = await startMember();
  using node = await member.join({ name: "web-1" });
  const nodes = new NodesStore(member.kv);
  const sessions = sessionsOf(member);
  const members = new Members(member.cluster, () => undefined);
  const { ca: authorities, authority, machine: { id: self } } = member;
  const behind = membershipService({
    self,
    authority,
    departures: new Departures({
      authorities,
      members,
      nodes,
      sessions,
      self,
    }),
    feed: new NodeFeed(),
    invitations: new Invitations(member.kv),
    members,
    nodes,
    sessions,
  });
  const names = async () =>
    (await behind.nodes({}, admin())).nodes.map(({ name }) => name).sort();
  assert.deepEqual(await names(), ["founder", "web-1"]);
  await remove(member, node.machine.id);
  assert.deepEqual(await names(), ["founder"]);
});

Deno.test("nodes tells how each is", async () => {
  await using member = await startMember();
  using learner = await member.join({ role: "member", name: "learner" });
  using worker = await member.join({ name: "worker" });
  using _joining = await member.join({ name: "joining" });
  await learner.connection.membership.report(report());
  await learner.connection.membership.addMember({
    peerUrl: `https://127.0.0.1:${freePort()}`,
  });
  await worker.connection.membership.report(report());
  // What was written is heard a moment later.
  for (;;) {
    const { nodes } = await member.membership.nodes({}, admin());
    const states = Object.fromEntries(
      nodes.map(({ name, state }) => [name, state]),
    );
    if (states.worker === "joining") continue;
    assert.deepEqual(states, {
      founder: "ready",
      joining: "joining",
      learner: "learner",
      worker: "ready",
    });
    assert.deepEqual(
      nodes.filter(({ self }) => self).map(({ name }) => name),
      ["founder"],
    );
    break;
  }
});
