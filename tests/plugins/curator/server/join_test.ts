import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { fromRecordRole } from "../../../../plugins/curator/roles.ts";
import { parseToken } from "../../../../plugins/curator/token.ts";
import { InvitationRecordSchema } from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import {
  admin,
  fingerprint,
  joinRequest,
  newMachine,
  startMember,
} from "./harness.ts";

Deno.test("Membership.Join makes a machine a node with a certificate of its key, ID and role", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "worker", name: "web-1" });
  const certificate = new X509Certificate(node.response.certificate);
  assert.match(certificate.subject, /O=worker/);
  assert.match(certificate.subject, new RegExp(`CN=${node.machine.id}`));
  assert.equal(fromRecordRole(node.response.role), "worker");
  assert.ok(
    certificate.verify(new X509Certificate(member.authority).publicKey),
  );
  const { nodes } = await member.membership.nodes({}, admin());
  const found = nodes.find(({ id }) => id === node.machine.id);
  assert.equal(found?.name, "web-1");
  assert.deepEqual(found?.addresses, ["127.0.0.1"]);
});

Deno.test("Membership.Join lets only the key that was first come again", async () => {
  await using member = await startMember();
  const { token } = await member.membership.invite(
    { role: "worker", ttl: 600, uses: 1 },
    admin(),
  );
  const machine = newMachine();
  using _first = await member.join({ machine, token });
  using _again = await member.join({ machine, token });
  await assert.rejects(member.join({ token }), { reason: "used" });
  await member.log.until(
    /warn Refused somebody .*127\.0\.0\.1.*Membership\.Join: The token was used, by node/,
  );
});

Deno.test("Membership.Join says what is wrong with a token", async () => {
  await using member = await startMember();
  const invite = (uses = 1) =>
    member.membership.invite({ role: "worker", ttl: 10, uses }, admin());
  const { token, invitation } = await invite(2);
  using stranger = member.connect();
  const attempt = (change: Parameters<typeof joinRequest>[2], text = token) =>
    stranger.membership.join(joinRequest(newMachine(), text, change));

  await assert.rejects(
    attempt({ fingerprint: fingerprint(new Uint8Array(1)) }),
    { reason: "foreign" },
  );
  await assert.rejects(attempt({ secret: new Uint8Array(32) }), {
    reason: "forged",
  });
  await assert.rejects(attempt({ signer: newMachine() }), { reason: "forged" });
  for (
    const why of [
      "The token is of another cluster",
      ".*has another secret",
      ".*is not signed with that node's key",
    ]
  ) {
    await member.log.until(
      new RegExp(
        `Refused somebody.*127\\.0\\.0\\.1.*Membership\\.Join: ${why}`,
      ),
    );
  }

  // Nobody can wait for a token to expire, so its record is written as if it had.
  const [stored] = (await member.kv.range({
    key: `/invites/${invitation.id}`,
  })).kvs;
  assert.ok(stored);
  const record = fromBinary(InvitationRecordSchema, stored.value);
  assert.equal(record.secretHash.length, 32);
  assert.notDeepEqual(record.secretHash, parseToken(token).secret);
  record.expiresAt = timestampFromMs(Date.now() - 1);
  await member.kv.put({
    key: stored.key,
    value: toBinary(InvitationRecordSchema, record),
  });
  await assert.rejects(attempt({}), { reason: "expired" });

  const other = await invite();
  await member.membership.revokeInvitation(
    { id: other.invitation.id },
    admin(),
  );
  await assert.rejects(attempt({}, other.token), /was revoked/);
  assert.deepEqual(
    (await member.membership.invitations({}, admin())).invitations,
    [],
  );
  await member.kv.delete({ key: stored.key });
  await assert.rejects(attempt({}), /is not known here/);
});

Deno.test("Membership.Join refuses a name that another has, a node ID and localhost", async () => {
  await using member = await startMember();
  const attempt = (name: string) => member.join({ name });
  using _first = await attempt("web-1");
  await assert.rejects(attempt("web-1"), { reason: "name-taken" });
  await assert.rejects(attempt("founder"), { reason: "name-taken" });
  await assert.rejects(attempt(newMachine().id), { reason: "bad-name" });
  await assert.rejects(attempt("localhost"), { reason: "bad-name" });
  await assert.rejects(attempt("a\n10.0.0.1 bank"), { reason: "bad-name" });
  await member.log.until(
    /warn Refused somebody .*Membership\.Join: No node can be called "a\n10\.0\.0\.1 bank"/,
  );
});

Deno.test("Membership.Join gives a name to one of many that want it at once", async () => {
  await using member = await startMember();
  const { token } = await member.membership.invite(
    { role: "worker", ttl: 600, uses: 8 },
    admin(),
  );
  const attempts = await Promise.allSettled(
    Array.from({ length: 8 }, () => member.join({ name: "web-1", token })),
  );
  const nodes = attempts.filter(({ status }) => status === "fulfilled");
  for (const attempt of attempts) {
    if (attempt.status === "fulfilled") attempt.value[Symbol.dispose]();
    else assert.equal(attempt.reason.reason, "name-taken");
  }
  assert.equal(nodes.length, 1);
});

Deno.test("Membership.Join believes no address that the machine does not call from", async () => {
  await using member = await startMember();
  const { token } = await member.membership.invite(
    { role: "worker", ttl: 600, uses: 1 },
    admin(),
  );
  const machine = newMachine();
  using stranger = member.connect();
  const { certificate } = await stranger.membership.join(
    joinRequest(machine, token, { addresses: ["192.0.2.1", "127.0.0.1"] }),
  );
  assert.equal(
    new X509Certificate(certificate).subjectAltName,
    `IP Address:127.0.0.1, DNS:${machine.id}`,
  );
});
