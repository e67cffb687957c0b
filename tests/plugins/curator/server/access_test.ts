import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { Code, RpcError } from "../../../../plugins/curator/grpc/rpc_error.ts";
import { Role } from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { newMachine, report, startMember } from "./harness.ts";

const all = { kind: { case: "nodesInCluster", value: {} } } as const;

/** Takes them all at once: one that fails while another is waited for would be nobody's. */
async function allRejected(
  calls: readonly Promise<unknown>[],
  why: { code: number } | { reason: string },
): Promise<void> {
  await Promise.all(calls.map((call) => assert.rejects(call, why)));
}

Deno.test("the curator serves nobody without a certificate of its authority, except to join", async () => {
  await using member = await startMember();
  using stranger = member.connect();
  const { certificate } = await stranger.membership.authority({});
  assert.deepEqual(new Uint8Array(certificate), member.authority);
  await allRejected([
    stranger.membership.report(report()),
    stranger.membership.renew({}),
    stranger.membership.sealKey({}),
    stranger.membership.addMember({ peerUrl: "https://127.0.0.1:1" }),
    stranger.membership.watchNodes({}).next(),
    stranger.membership.watchRevocations({}).next(),
    stranger.membership.remove({ node: "founder" }).next(),
    stranger.curator.watch(all).next(),
    stranger.curator.updateNodeStatus({ nodeId: member.machine.id }),
  ], { code: Code.UNAUTHENTICATED });
  await member.log.until(
    /Refused somebody without a certificate of this cluster \(127\.0\.0\.1\), which tried to call Membership\.SealKey/,
  );
});

Deno.test("the curator takes a certificate that somebody signed himself for none", async () => {
  await using member = await startMember();
  const forged = newMachine();
  const pem = execFileSync("openssl", [
    ...["req", "-x509", "-key", "/dev/stdin", "-days", "10"],
    ...["-subj", `/O=member/CN=${member.machine.id}`],
  ], { input: forged.key, encoding: "utf8" });
  using stranger = member.connect({
    key: forged.key,
    certificate: Uint8Array.fromBase64(pem.replace(/-----[^-]+-----|\s/g, "")),
  });
  await assert.rejects(stranger.membership.sealKey({}), {
    code: Code.UNAUTHENTICATED,
  });
  await member.log.until(
    /warn Refused somebody without a certificate of this cluster .*Membership\.SealKey/,
  );
});

Deno.test("the curator gives what members need to no worker and no operator", async () => {
  await using member = await startMember();
  using worker = await member.join({ role: "worker" });
  using operator = await member.connectAs("alice", "operator");
  for (const { membership } of [worker.connection, operator]) {
    await allRejected([
      membership.sealKey({}),
      membership.peerCertificate({ publicKey: newMachine().publicKey }),
      membership.addMember({ peerUrl: "https://127.0.0.1:1" }),
    ], { code: Code.PERMISSION_DENIED });
  }
  await member.log.until(
    new RegExp(
      `Refused worker "${worker.machine.id}" .*Membership\\.SealKey: Only a member may`,
    ),
  );
  // Also not with a certificate that says more than the cluster knows of the node.
  const posing = newMachine();
  const { certificate } = await member.ca.issue({
    authority: "cluster",
    name: worker.machine.id,
    addresses: [],
    publicKey: posing.publicKey,
    role: "member",
  });
  using poser = member.connect({ key: posing.key, certificate });
  await assert.rejects(poser.membership.sealKey({}), {
    code: Code.PERMISSION_DENIED,
  });
  await member.log.until(
    new RegExp(
      `Refused member "${worker.machine.id}" .*Membership\\.SealKey: Only a member may do this, and this node is a worker`,
    ),
  );
});

Deno.test("the curator lets an operator change the cluster, and no node", async () => {
  await using member = await startMember();
  using worker = await member.join({ name: "web-1" });
  using operator = await member.connectAs("alice", "operator");
  const first = await operator.curator.watch(all).next();
  assert.ok(first.value);
  using founder = await member.connectAs(member.machine.id, "member");
  const role = Role.WORKER;
  for (const { membership } of [worker.connection, founder]) {
    await allRejected([
      membership.remove({ node: "web-1" }).next(),
      membership.setRole({ node: "web-1", role }).next(),
      membership.invite({ role, ttl: 60, uses: 1 }),
      membership.listInvitations({}),
      membership.revokeInvitation({ id: "x" }),
    ], { code: Code.PERMISSION_DENIED });
    const { nodes } = await membership.listNodes({});
    assert.equal(nodes.length, 2);
  }
  // What is left out is not taken for anything.
  await allRejected([
    operator.membership.setRole({ node: "web-1" }).next(),
    operator.membership.invite({ ttl: 60, uses: 1 }),
    operator.membership.invite({ role, ttl: 1, uses: 1 }),
    operator.membership.invite({ role, ttl: 60, uses: 1_000_000 }),
  ], { code: Code.INVALID_ARGUMENT });
  const steps = await Array.fromAsync(
    operator.membership.remove({ node: "web-1" }),
  );
  assert.deepEqual(steps.map(({ done }) => done).at(-1), true);
});

Deno.test("the curator says removed to a node that is not in the cluster, and unavailable to nobody", async () => {
  await using member = await startMember();
  using unknown = await member.connectAs(newMachine().id, "member");
  await allRejected([
    unknown.membership.report(report()),
    unknown.membership.sealKey({}),
    unknown.curator.watch(all).next(),
  ], { reason: "removed" });
});

Deno.test("the curator logs a refusal once per caller and reason", async () => {
  await using member = await startMember();
  using worker = await member.join({ role: "worker" });
  const count = () =>
    member.log.lines.filter((line) => line.includes("SealKey")).length;
  for (let n = 0; n < 5; n++) {
    await assert.rejects(worker.connection.membership.sealKey({}));
  }
  assert.equal(count(), 1);
});

Deno.test("the curator answers malformed messages without looking at those of strangers", async () => {
  await using member = await startMember();
  using worker = await member.join();
  using stranger = member.connect();
  const send = (connection: typeof stranger, method: string, bytes: Buffer) =>
    new Promise<unknown>((resolve) =>
      connection.grpc.makeUnaryRequest(
        method,
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        bytes,
        (error, answer) => resolve(error?.code ?? answer),
      )
    );
  const junk = Buffer.from("ff".repeat(100), "hex");
  const method = "/hamlet.cluster.v1.Membership/Report";
  assert.equal(
    await send(worker.connection, method, junk),
    Code.INVALID_ARGUMENT,
  );
  assert.equal(await send(stranger, method, junk), Code.UNAUTHENTICATED);
  assert.equal(
    await send(stranger, "/hamlet.cluster.v1.Membership/Join", junk),
    Code.INVALID_ARGUMENT,
  );
  const large = Buffer.alloc(1024 * 1024);
  assert.equal(await send(stranger, method, large), Code.RESOURCE_EXHAUSTED);
  // And it goes on.
  await stranger.membership.authority({});
  await member.log.until(
    /Refused worker .* Cannot read 100 bytes as ReportRequest/,
  );
});

Deno.test("the curator ends the open streams of a revoked node within a second, and calls it removed", async () => {
  await using member = await startMember();
  using worker = await member.join({ name: "web-1" });
  using other = await member.join({ name: "web-2" });
  const streams = [
    worker.connection.curator.watch(all),
    worker.connection.membership.watchNodes({}),
    worker.connection.membership.watchRevocations({}),
  ];
  for (const stream of streams) assert.ok((await stream.next()).value);
  const unaffected = other.connection.curator.watch(all);
  assert.ok((await unaffected.next()).value);

  const ended = streams.map(async (stream) => {
    try {
      for await (const _ of stream);
    } catch (error) {
      assert.ok(error instanceof RpcError);
      return { reason: error.reason, at: performance.now() };
    }
  });
  using operator = await member.connectAs("alice", "operator");
  let revokedAt = 0;
  for await (const { step } of operator.membership.remove({ node: "web-1" })) {
    if (/certificates are revoked/.test(step)) revokedAt = performance.now();
  }
  for (const one of await Promise.all(ended)) {
    assert.equal(one?.reason, "removed");
    assert.ok(one.at - revokedAt < 1000);
  }
  await member.log.until(
    new RegExp(
      `warn Refused worker "${worker.machine.id}" .*, which tried to go on: .*removed`,
    ),
  );
  await assert.rejects(worker.connection.membership.report(report()), {
    reason: "removed",
  });
  for await (const { nodeTombstones } of unaffected) {
    if (nodeTombstones.length === 0) continue;
    assert.deepEqual(nodeTombstones.map(({ nodeId }) => nodeId), [
      worker.machine.id,
    ]);
    break;
  }
});

Deno.test("the curator refuses a certificate that was revoked, while its node goes on with another", async () => {
  await using member = await startMember();
  using worker = await member.join();
  const renewed = await worker.connection.membership.renew({});
  const [first] = (await member.ca.list({})).certificates
    .filter(({ name }) => name === worker.machine.id);
  assert.ok(first);
  await member.ca.revoke({ serial: first.serial });
  await member.log.until(/Revoked certificate/);
  using again = member.connect({
    key: worker.machine.key,
    certificate: renewed.certificate,
  });
  await again.membership.report(report());
  using old = member.connect({
    key: worker.machine.key,
    certificate: worker.response.certificate,
  });
  await assert.rejects(old.membership.renew({}), { reason: "revoked" });
  await member.log.until(
    /warn Refused worker .*Membership\.Renew: .*was revoked/,
  );
});
