import assert from "node:assert/strict";
import type { ca, Client } from "hamlet";
import { Code } from "../../../../plugins/curator/grpc/rpc_error.ts";
import { blockList } from "../../../../plugins/curator/server/addresses.ts";
import { Invitations } from "../../../../plugins/curator/server/invitations.ts";
import { Joining } from "../../../../plugins/curator/server/join.ts";
import { NodesStore } from "../../../../plugins/curator/server/nodes_store.ts";
import {
  Pending,
  Role,
} from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { report, startMember } from "./harness.ts";

Deno.test("Joining.renew() gives no certificate to a node that is taken out while it is issued", async () => {
  await using member = await startMember();
  using node = await member.join({ name: "web-1" });
  const { id } = node.machine;
  const nodes = new NodesStore(member.kv);
  const stored = await nodes.read(id, {});
  assert.ok(stored);
  const authorities: Client<typeof ca> = {
    ...member.ca,
    revoke: (...args) => member.ca.revoke(...args),
    async issue(...args) {
      const issued = await member.ca.issue(...args);
      // Another member has marked it and revoked what it had, of which this one was none yet.
      await nodes.update(id, (record) => {
        record.pending = Pending.REMOVAL;
        return true;
      }, {});
      return issued;
    },
  };
  const joining = new Joining({
    authorities,
    nodes,
    invitations: new Invitations(member.kv),
    trusted: blockList([]),
    log: member.log,
  });
  await assert.rejects(joining.renew(stored.record, {}), { reason: "removed" });
  const { certificates } = await member.ca.list({});
  assert.deepEqual(
    certificates.filter(({ name }) => name === id).map(({ revoked }) =>
      revoked
    ),
    [false, true],
  );
});

Deno.test("the curator gives what members have to none that is on its way out, or a worker already", async () => {
  await using member = await startMember();
  using node = await member.join({ role: "member" });
  const { machine, connection: { membership } } = node;
  await membership.report(report());
  const nodes = new NodesStore(member.kv);
  const ask = [
    () => membership.peerCertificate({ publicKey: machine.publicKey }),
    () => membership.sealKey({}),
  ];
  await nodes.update(machine.id, (record) => {
    record.pending = Pending.DEMOTION_ASKED;
    return true;
  }, {});
  for (const call of ask) {
    await assert.rejects(call(), { code: Code.UNAVAILABLE });
  }
  await nodes.update(machine.id, (record) => {
    record.pending = Pending.UNSPECIFIED;
    record.role = Role.WORKER;
    return true;
  }, {});
  for (const call of ask) {
    await assert.rejects(call(), { code: Code.PERMISSION_DENIED });
  }
});
