import assert from "node:assert/strict";
import { Latest } from "../../../../mod.ts";
import { findOriginal } from "../../../../plugins/curator/client/find_original.ts";
import { KnownCluster } from "../../../../plugins/curator/client/known_cluster.ts";
import { KnownRevocations } from "../../../../plugins/curator/client/known_revocations.ts";
import { Code, RpcError } from "../../../../plugins/curator/grpc/rpc_error.ts";
import type { Credentials } from "../../../../plugins/curator/identity_files.ts";
import type { Endpoint } from "../../../../plugins/curator/token.ts";
import { freePort } from "../../../support/port.ts";
import { tempFolder } from "../../../support/temp.ts";
import { TestAuthority, type TestNode } from "./authority.ts";
import { type Part, PlayedMember } from "./played_member.ts";
import { RecordedLog } from "./recorded_log.ts";

const authority = await TestAuthority.create();
const self = await authority.node("member");
const { id } = self.identity;
const instance = crypto.getRandomValues(new Uint8Array(16));

/** A member that runs, since a start of it that has this number. */
const runningSince = (start: Uint8Array): Part => ({
  report({ instance }) {
    if (instance.toHex() === start.toHex()) return { next: 10 };
    throw new RpcError(Code.FAILED_PRECONDITION, "It runs here", "cloned");
  },
});
const running = runningSince(crypto.getRandomValues(new Uint8Array(16)));

/** Looks for the original from a machine that remembers these members. */
async function find(...endpoints: Endpoint[]): Promise<string | undefined> {
  await using folder = await tempFolder();
  const log = new RecordedLog();
  const known = await KnownCluster.open(`${folder.path}/cluster.json`, log);
  known.setEndpoints(endpoints);
  return await findOriginal({
    id,
    credentials: new Latest<Credentials | undefined>(self.credentials),
    known,
    revocations: await KnownRevocations.open(`${folder.path}/crl.der`, true),
    log,
    name: "db-1",
    self: { addresses: ["192.0.2.7"], curatorPort: 0 },
    instance,
  }, new AbortController().signal);
}

/** A member that says where this one is. */
function other(node: TestNode, port: number): Promise<PlayedMember> {
  return PlayedMember.start(node, {
    async *watchNodes() {
      yield { nodes: [{ id: node.identity.id, addresses: ["127.0.0.1"] }] };
      yield { nodes: [{ id, addresses: ["127.0.0.2"], curatorPort: 1 }] };
      const addresses = ["127.0.0.1"];
      yield {
        nodes: [{ id, addresses, curatorPort: port }],
        lastBacklogged: true,
      };
      await new Promise(() => {});
    },
  });
}

Deno.test("findOriginal() finds a machine that runs as this member where this one was last", async () => {
  await using original = await PlayedMember.start(self, running);
  assert.equal(await find(original.endpoint), "It runs here");
});

Deno.test("findOriginal() finds a machine that runs as this member where another one knows it", async () => {
  await using original = await PlayedMember.start(self, running);
  const { port } = original.endpoint;
  await using member = await other(await authority.node("member"), port);
  const gone = { ...member.endpoint, port: freePort() };
  assert.equal(await find(gone, member.endpoint), "It runs here");
});

Deno.test("findOriginal() does not take this machine for another one", async () => {
  await using here = await PlayedMember.start(self, runningSince(instance));
  assert.equal(await find(here.endpoint), undefined);
});

Deno.test("findOriginal() finds nothing where nobody, or somebody else, answers", async () => {
  const address = "127.0.0.1";
  assert.equal(await find({ id, address, port: freePort() }), undefined);
  const node = await authority.node("member");
  await using stranger = await PlayedMember.start(node, running);
  assert.equal(await find({ ...stranger.endpoint, id }), undefined);
  assert.equal(await find(), undefined);
});
