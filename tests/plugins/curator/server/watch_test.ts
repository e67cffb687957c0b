import { timestampDate } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { Code } from "../../../../plugins/curator/grpc/rpc_error.ts";
import { toPem } from "../../../../plugins/curator/identity_files.ts";
import { WatchEvent_Progress } from "../../../../proto/gen/metropolis/node/core/curator/proto/api/api_pb.ts";
import { tempFolder } from "../../../support/temp.ts";
import { tool } from "../../ca/tools.ts";
import { admin, report, startMember, type TestMember } from "./harness.ts";

const all = { kind: { case: "nodesInCluster", value: {} } } as const;

function one(nodeId: string) {
  return { kind: { case: "nodeInCluster", value: { nodeId } } } as const;
}

async function remove(member: TestMember, node: string): Promise<void> {
  await Array.fromAsync(member.membership.remove({ node }, admin()));
}

Deno.test("Curator.Watch of all nodes gives the backlog, its end once, then changes and tombstones", async () => {
  await using member = await startMember();
  using worker = await member.join({ name: "web-1" });
  const events = worker.connection.curator.watch(all);
  const ids = new Set<string>();
  let ends = 0;
  let joined: string | undefined;
  let removing = false;
  for await (const event of events) {
    for (const { id } of event.nodes) ids.add(id);
    if (event.progress === WatchEvent_Progress.LAST_BACKLOGGED) {
      ends++;
      assert.deepEqual(
        [...ids].sort(),
        [member.machine.id, worker.machine.id].sort(),
      );
      using late = await member.join({ name: "web-2" });
      joined = late.machine.id;
      await late.connection.membership.report(report());
    }
    const reported = event.nodes.find(({ id }) => id === joined)?.status;
    if (reported && !removing) {
      removing = true;
      assert.equal(reported.externalAddress, "127.0.0.1");
      assert.equal(reported.runningCurator, undefined);
      assert.ok(reported.timestamp);
      const age = Date.now() - timestampDate(reported.timestamp).getTime();
      assert.ok(Math.abs(age) < 10_000);
      await remove(member, "web-2");
    }
    const gone = event.nodeTombstones.map(({ nodeId }) => nodeId);
    if (gone.length > 0) {
      assert.deepEqual(gone, [joined]);
      break;
    }
  }
  assert.equal(ends, 1);
});

Deno.test("Curator.Watch tells members by their role and curator", async () => {
  await using member = await startMember();
  using worker = await member.join();
  const { value } = await worker.connection.curator.watch(all).next();
  const node = (id: string) => value?.nodes.find((node) => node.id === id);
  const founder = node(member.machine.id);
  assert.ok(founder?.roles?.consensusMember);
  assert.equal(founder.status?.runningCurator?.port, member.port);
  assert.ok(node(worker.machine.id)?.roles);
  assert.equal(node(worker.machine.id)?.roles?.consensusMember, undefined);
  // It has said nothing of itself yet.
  assert.equal(node(worker.machine.id)?.status, undefined);
});

Deno.test("Curator.Watch of one node waits for it and tells nothing of others", async () => {
  await using member = await startMember();
  using worker = await member.join({ name: "web-1" });
  const own = worker.connection.curator.watch(one(worker.machine.id));
  assert.deepEqual((await own.next()).value?.nodes.map(({ id }) => id), [
    worker.machine.id,
  ]);
  using other = await member.join({ name: "web-2" });
  await other.connection.membership.report(report());
  await worker.connection.membership.report(report());
  const { value } = await own.next();
  assert.deepEqual(value?.nodes.map(({ id }) => id), [worker.machine.id]);
  assert.ok(value.nodes[0]?.status);

  const watched = other.machine.id;
  const later = worker.connection.curator.watch(one(watched));
  await later.next();
  await remove(member, "web-2");
  for await (const { nodeTombstones } of later) {
    if (nodeTombstones[0]?.nodeId === watched) break;
  }
});

Deno.test("Curator.Watch refuses to watch nothing in particular", async () => {
  await using member = await startMember();
  using worker = await member.join();
  await assert.rejects(worker.connection.curator.watch({}).next(), {
    code: Code.INVALID_ARGUMENT,
  });
});

Deno.test("Membership.WatchNodes tells names, roles and every address", async () => {
  await using member = await startMember({
    trustedAddresses: ["2001:db8::/32"],
  });
  using worker = await member.join({ name: "web-1" });
  await worker.connection.membership.report(
    report({ addresses: ["127.0.0.1", "2001:db8::1"] }),
  );
  let found;
  for await (const event of worker.connection.membership.watchNodes({})) {
    found = event.nodes.find(({ id, addresses }) =>
      id === worker.machine.id && addresses.length > 1
    ) ?? found;
    if (found && event.nodes.length > 0) {
      break;
    }
  }
  assert.equal(found?.name, "web-1");
  assert.deepEqual(found.addresses, ["127.0.0.1", "2001:db8::1"]);
});

Deno.test("Curator.Watch is understood by a client of grpc-go that knows the origin's names and numbers alone", async () => {
  await using member = await startMember();
  using worker = await member.join({ name: "web-1" });
  await using folder = await tempFolder();
  const program = `${folder.path}/watch`;
  const source = new URL("../go/", import.meta.url).pathname;
  await tool("go", ["build", "-o", program, "."], { cwd: source });
  const file = async (name: string, content: string) => {
    await Deno.writeTextFile(`${folder.path}/${name}`, content);
    return `${folder.path}/${name}`;
  };
  const child = spawn(program, [
    `127.0.0.1:${member.port}`,
    member.machine.id,
    await file("ca.pem", toPem(member.authority)),
    await file("cert.pem", toPem(worker.response.certificate)),
    await file("key.pem", worker.machine.key),
    '{"nodesInCluster": {}}',
  ], { cwd: source, stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  try {
    let ends = 0;
    let backlog: string[] = [];
    let late: string | undefined;
    let removing = false;
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line);
      const ids = (event.nodes ?? []).map(({ id }: { id: string }) => id);
      if (ends === 0) backlog = [...backlog, ...ids];
      if (event.progress === "PROGRESS_LAST_BACKLOGGED") {
        ends++;
        using joined = await member.join({ name: "web-2" });
        late = joined.machine.id;
        await joined.connection.membership.report(report({ curatorPort: 7 }));
      }
      const status = event.nodes?.find(({ id }: { id: string }) => id === late)
        ?.status;
      if (status && !removing) {
        removing = true;
        assert.equal(status.externalAddress, "127.0.0.1");
        assert.deepEqual(status.runningCurator, { port: 7 });
        await remove(member, "web-2");
      }
      if (event.nodeTombstones) {
        assert.deepEqual(event.nodeTombstones, [{ nodeId: late }]);
        break;
      }
    }
    assert.deepEqual(
      backlog.sort(),
      [member.machine.id, worker.machine.id].sort(),
    );
    assert.equal(ends, 1);
  } finally {
    child.stdin.end();
    await exited;
  }
});
