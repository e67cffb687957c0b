import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { fromRecordRole } from "../../../../plugins/curator/server/roles.ts";
import { admin, joinRequest, newMachine, startMember } from "./harness.ts";

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
});
