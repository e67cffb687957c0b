import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { Code } from "../../../../plugins/curator/grpc/rpc_error.ts";
import { reportEvery } from "../../../../plugins/curator/server/membership_rpc.ts";
import { toPem } from "../../../../plugins/curator/identity_files.ts";
import { run } from "../../../support/process.ts";
import { admin, fromPem, report, startMember } from "./harness.ts";

Deno.test("Membership.Report says when the next one is due and what the cluster knows", async () => {
  await using member = await startMember();
  using worker = await member.join({ name: "web-1" });
  const { next, node } = await worker.connection.membership.report(
    report({ curatorPort: 0 }),
  );
  assert.equal(next, 10);
  assert.equal(node?.name, "web-1");
  assert.deepEqual(node.addresses, ["127.0.0.1"]);
  assert.ok(node.reportedAt);
});

Deno.test("reportEvery() lets all nodes together report at most 100 times a second", () => {
  assert.deepEqual([1, 1000, 5000, 10_000, 100_000].map(reportEvery), [
    10,
    10,
    50,
    100,
    120,
  ]);
});

Deno.test("Membership.Report believes no address but the one it comes from, and logs that", async () => {
  await using member = await startMember();
  using worker = await member.join();
  const { node } = await worker.connection.membership.report(
    report({ addresses: ["192.0.2.66", "127.0.0.1"] }),
  );
  assert.deepEqual(node?.addresses, ["127.0.0.1"]);
  const { node: kept } = await worker.connection.membership.report(
    report({ addresses: ["192.0.2.66"] }),
  );
  assert.deepEqual(kept?.addresses, ["127.0.0.1"]);
  await member.log.until(/Refused node .* have the address 192\.0\.2\.66/);
  // One that would be another line of a hosts file, also where it begins with what is right.
  const { node: unbroken } = await worker.connection.membership.report(
    report({ addresses: ["127.0.0.1\n10.0.0.1 bank", "127.0.0.1 bank"] }),
  );
  assert.deepEqual(unbroken?.addresses, ["127.0.0.1"]);
  await member.log.until(
    /Refused node .* have the address .*\n10\.0\.0\.1 bank/,
  );
});

Deno.test("Membership.Report believes what the operator's config allows", async () => {
  await using member = await startMember({
    trustedAddresses: ["192.0.2.0/24"],
  });
  using worker = await member.join();
  const { node } = await worker.connection.membership.report(
    report({ addresses: ["192.0.2.66", "192.0.3.66"] }),
  );
  assert.deepEqual(node?.addresses, ["192.0.2.66"]);
});

Deno.test("Membership.Report gives the node another name, unless it is taken", async () => {
  await using member = await startMember();
  using worker = await member.join({ name: "web-1" });
  const { membership } = worker.connection;
  const { node } = await membership.report(report({ name: "web-2" }));
  assert.equal(node?.name, "web-2");
  await assert.rejects(membership.report(report({ name: "founder" })), {
    reason: "name-taken",
  });
  await assert.rejects(membership.report(report({ name: "localhost" })), {
    reason: "bad-name",
  });
  // The name that it had is free again.
  using _other = await member.join({ name: "web-1" });
});

Deno.test("Membership.Report refuses an instance that is none and a port that is none", async () => {
  await using member = await startMember();
  using worker = await member.join();
  for (
    const wrong of [
      report({ instance: new Uint8Array(0) }),
      report({ instance: new Uint8Array(17) }),
      report({ curatorPort: 65536 }),
      report({ curatorPort: -1 }),
    ]
  ) {
    await assert.rejects(worker.connection.membership.report(wrong), {
      code: Code.INVALID_ARGUMENT,
    });
  }
});

Deno.test("Membership.Report tells a machine at once that it has the key of the member that it asks", async () => {
  await using member = await startMember();
  using copy = member.connect({
    key: member.machine.key,
    certificate: fromPem(member.credentials.value?.cert ?? ""),
  });
  const key = `/sessions/${member.machine.id}`;
  const before = await member.kv.range({ key });
  assert.equal(before.kvs.length, 1);
  await assert.rejects(
    copy.membership.report(report()),
    {
      reason: "cloned",
      message:
        /^Another machine, at 127\.0\.0\.1, runs with the key .* was there first: this one is a copy of its disk$/,
    },
  );
  await member.log.until(/Two machines run at the same time with the key/);
  // The member is who it was to all others.
  assert.deepEqual((await member.kv.range({ key })).kvs, before.kvs);
});

Deno.test("Membership.Report tells two machines with one key apart, and lets the first go on", async () => {
  await using member = await startMember();
  using original = await member.join();
  using clone = member.connect({
    key: original.machine.key,
    certificate: original.response.certificate,
  });
  const first = report();
  const second = report();
  await original.connection.membership.report(first);
  // It might be the same machine, started again.
  await clone.membership.report(second);
  // It might have been sent before that, and be late.
  await assert.rejects(original.connection.membership.report(first), {
    code: Code.UNAVAILABLE,
  });
  await clone.membership.report(second);
  await original.connection.membership.report(first);
  await member.log.until(
    /error Two machines run at the same time with the key of node/,
  );
  await assert.rejects(clone.membership.report(second), { reason: "cloned" });
  await original.connection.membership.report(first);
});

Deno.test("Membership.Report takes a start after another for what it is", async () => {
  await using member = await startMember();
  using node = await member.join();
  for (let start = 0; start < 40; start++) {
    await node.connection.membership.report(report());
  }
  assert.equal(
    member.log.lines.some((line) => line.startsWith("error")),
    false,
  );
});

Deno.test("Membership.Report keeps fields of a record that this version does not know", async () => {
  await using member = await startMember();
  using node = await member.join();
  const key = `/nodes/${node.machine.id}`;
  const [stored] = (await member.kv.range({ key })).kvs;
  assert.ok(stored);
  // Field 1000, a string, as a later version might write it.
  const later = [0xc2, 0x3e, 3, 0x61, 0x62, 0x63];
  await member.kv.put({
    key,
    value: Uint8Array.from([...stored.value, ...later]),
  });
  await node.connection.membership.report(report());
  const [now] = (await member.kv.range({ key })).kvs;
  assert.ok(now && now.modRevision > stored.modRevision);
  assert.ok(now.value.toHex().includes(Uint8Array.from(later).toHex()));
});

Deno.test("Curator.UpdateNodeStatus takes what a node says of itself, with the member's time", async () => {
  await using member = await startMember();
  using worker = await member.join();
  const nodeId = worker.machine.id;
  await worker.connection.curator.updateNodeStatus({
    nodeId,
    status: {
      externalAddress: "127.0.0.1",
      runningCurator: { port: 99 },
      timestamp: timestampFromMs(0),
    },
  });
  const { nodes } = await member.membership.nodes({}, admin());
  const node = nodes.find(({ id }) => id === nodeId);
  assert.equal(node?.curatorPort, 99);
  assert.ok(Date.now() - Date.parse(node.lastSeen ?? "") < 10_000);
});

Deno.test("Curator.UpdateNodeStatus lets no node speak for another, nor from another address", async () => {
  await using member = await startMember();
  using worker = await member.join();
  using other = await member.join();
  const { curator } = worker.connection;
  await assert.rejects(
    curator.updateNodeStatus({
      nodeId: other.machine.id,
      status: { externalAddress: "127.0.0.1" },
    }),
    { code: Code.PERMISSION_DENIED },
  );
  await assert.rejects(
    curator.updateNodeStatus({
      nodeId: worker.machine.id,
      status: { externalAddress: "192.0.2.66" },
    }),
    { code: Code.PERMISSION_DENIED },
  );
  await member.log.until(
    new RegExp(
      `Refused worker "${worker.machine.id}".*Only node "${other.machine.id}" itself`,
    ),
  );
  using operator = await member.connectAs("alice", "operator");
  await operator.curator.updateNodeStatus({
    nodeId: other.machine.id,
    status: { externalAddress: "192.0.2.66" },
  });
});

Deno.test("Membership.Renew issues a certificate with the addresses that were accepted", async () => {
  await using member = await startMember({
    trustedAddresses: ["192.0.2.0/24"],
  });
  using worker = await member.join();
  const { membership } = worker.connection;
  await membership.report(report({ addresses: ["192.0.2.66"] }));
  const { certificate } = await membership.renew({});
  const { subjectAltName } = new X509Certificate(certificate);
  assert.equal(
    subjectAltName,
    `IP Address:192.0.2.66, DNS:${worker.machine.id}`,
  );
});

Deno.test("the curator goes on with a newer certificate, and open connections with the one they have", async () => {
  await using member = await startMember();
  using worker = await member.join();
  const { membership } = worker.connection;
  await membership.report(report());
  const { serial, certificate } = await member.ca.issue({
    authority: "cluster",
    name: member.machine.id,
    addresses: [],
    publicKey: member.machine.publicKey,
    role: "member",
  });
  assert.ok(member.credentials.value);
  member.credentials.set({
    ...member.credentials.value,
    cert: toPem(certificate),
  });
  const { stdout } = await run("openssl", [
    "s_client",
    "-connect",
    `127.0.0.1:${member.port}`,
    "-alpn",
    "h2",
  ]);
  const [served = ""] =
    /-----BEGIN[^]*?-----END CERTIFICATE-----/.exec(stdout) ??
      [];
  assert.equal(
    new X509Certificate(served).serialNumber.toLowerCase(),
    serial,
  );
  await membership.renew({});
});
