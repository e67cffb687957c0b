import assert from "node:assert/strict";
import { Latest } from "../../../../mod.ts";
import { KnownCluster } from "../../../../plugins/curator/client/known_cluster.ts";
import { KnownRevocations } from "../../../../plugins/curator/client/known_revocations.ts";
import { remoteMembership } from "../../../../plugins/curator/client/remote_membership.ts";
import { Code, RpcError } from "../../../../plugins/curator/grpc/rpc_error.ts";
import type { Credentials } from "../../../../plugins/curator/identity_files.ts";
import { tempFolder } from "../../../support/temp.ts";
import { TestAuthority } from "./authority.ts";
import { PlayedMember } from "./played_member.ts";
import { RecordedLog } from "./recorded_log.ts";

const authority = await TestAuthority.create();
const worker = await authority.node("worker");

/** A member that knows one node, by a name. */
async function memberThatKnows(
  name: string,
  { stale }: { stale: boolean },
): Promise<PlayedMember> {
  return await PlayedMember.start(await authority.node("member"), {
    authority: () => ({ certificate: authority.certificate }),
    listNodes: () => ({ nodes: [{ node: { id: "a", name } }], stale }),
  });
}

/** Asks these members as a worker that knows them. */
async function asWorker<T>(
  members: readonly PlayedMember[],
  ask: (
    service: ReturnType<typeof remoteMembership>,
    caller: { name: string; scope: undefined; signal: AbortSignal },
  ) => Promise<T>,
): Promise<T> {
  await using folder = await tempFolder();
  const log = new RecordedLog();
  const known = await KnownCluster.open(`${folder.path}/cluster.json`, log);
  known.setNodes(
    new Map(members.map(({ endpoint: { id, address, port } }, index) => [id, {
      id,
      name: `member-${index}`,
      role: "member",
      addresses: [address],
      curatorPort: port,
    }])),
  );
  const service = remoteMembership(undefined, {
    id: worker.identity.id,
    credentials: new Latest<Credentials | undefined>(worker.credentials),
    known,
    revocations: await KnownRevocations.open(`${folder.path}/crl.der`, true),
    log,
  });
  return await ask(service, {
    name: "admin",
    scope: undefined,
    signal: AbortSignal.timeout(20_000),
  });
}

async function nodesOf(...members: PlayedMember[]) {
  const { nodes, current } = await asWorker(
    members,
    (service, caller) => service.nodes({}, caller),
  );
  return { names: nodes.map(({ name }) => name), current };
}

Deno.test("remoteMembership().nodes() believes a member with a majority before one without", async () => {
  await using removed = await memberThatKnows("old", { stale: true });
  await using member = await memberThatKnows("new", { stale: false });
  // They are asked in any order.
  for (let round = 0; round < 8; round += 1) {
    assert.deepEqual(await nodesOf(removed, member), {
      names: ["new"],
      current: true,
    });
  }
});

Deno.test("remoteMembership().nodes() tells what was known last where no member has a majority", async () => {
  await using member = await memberThatKnows("old", { stale: true });
  assert.deepEqual(await nodesOf(member), { names: ["old"], current: false });
});

Deno.test("remoteMembership().remove() asks the member that is to go last", async () => {
  const asked: string[] = [];
  const member = async (name: string, there: boolean) =>
    await PlayedMember.start(await authority.node("member"), {
      authority() {
        if (there) return { certificate: authority.certificate };
        throw new RpcError(Code.UNAVAILABLE, "Not here");
      },
      async *remove() {
        asked.push(name);
        yield await Promise.resolve({ step: "Removed", done: true });
      },
    });
  await using leaving = await member("leaving", true);
  await using other = await member("other", true);
  await using away = await member("away", false);
  const remove = (members: PlayedMember[], node: string) =>
    asWorker(members, async (service, caller) => {
      for await (const _step of service.remove({ node }, caller));
    });
  for (let round = 0; round < 8; round += 1) {
    await remove([leaving, other], "member-0");
  }
  await remove([leaving, away], leaving.endpoint.id);
  assert.deepEqual(asked, [...Array(8).fill("other"), "leaving"]);
});
