import assert from "node:assert/strict";
import { Latest } from "../../../../mod.ts";
import { findOriginal } from "../../../../plugins/curator/client/find_original.ts";
import type { SelfReport } from "../../../../plugins/curator/client/follow.ts";
import { KnownCluster } from "../../../../plugins/curator/client/known_cluster.ts";
import { KnownRevocations } from "../../../../plugins/curator/client/known_revocations.ts";
import { Code, RpcError } from "../../../../plugins/curator/grpc/rpc_error.ts";
import type { Credentials } from "../../../../plugins/curator/identity_files.ts";
import type { Endpoint } from "../../../../plugins/curator/token.ts";
import type { ReportRequest } from "../../../../proto/gen/hamlet/cluster/v1/membership_pb.ts";
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
async function find(...endpoints: Endpoint[]) {
  await using folder = await tempFolder();
  const log = new RecordedLog();
  const known = await KnownCluster.open(`${folder.path}/cluster.json`, log);
  known.setEndpoints(endpoints);
  const original = await findOriginal({
    id,
    credentials: new Latest<Credentials | undefined>(self.credentials),
    known,
    revocations: await KnownRevocations.open(`${folder.path}/crl.der`, true),
    log,
    name: "db-1",
    self: new Latest<SelfReport>({
      addresses: ["192.0.2.7"],
      curatorPort: 0,
    }),
    instance,
    patience: 1,
  }, new AbortController().signal);
  return { original, warnings: log.lines.filter((line) => /^warn/.test(line)) };
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
  const found = await find(original.endpoint);
  assert.equal(found.original, "It runs here");
});

Deno.test("findOriginal() finds a machine that runs as this member where another one knows it", async () => {
  await using original = await PlayedMember.start(self, running);
  const { port } = original.endpoint;
  await using member = await other(await authority.node("member"), port);
  const gone = { ...member.endpoint, port: freePort() };
  const found = await find(gone, member.endpoint);
  assert.equal(found.original, "It runs here");
});

Deno.test("findOriginal() asks again who has the key and cannot tell yet", async () => {
  const codes: number[] = [Code.UNAVAILABLE, Code.FAILED_PRECONDITION];
  await using original = await PlayedMember.start(self, {
    report() {
      const [code = 0] = codes.splice(0, 1);
      throw new RpcError(
        code,
        "It runs here",
        code === Code.UNAVAILABLE ? undefined : "cloned",
      );
    },
  });
  const found = await find(original.endpoint);
  assert.equal(found.original, "It runs here");
  assert.deepEqual(codes, []);
});

Deno.test("findOriginal() does not take this machine for another one", async () => {
  const reports: ReportRequest[] = [];
  const running = runningSince(instance);
  await using here = await PlayedMember.start(self, {
    report(request, caller) {
      reports.push(request);
      return running.report?.(request, caller) ?? {};
    },
  });
  const { original } = await find(here.endpoint);
  assert.equal(original, undefined);
  // It is this node's own, which goes on to serve there.
  assert.deepEqual(reports.map(({ curatorPort }) => curatorPort), [
    here.endpoint.port,
  ]);
});

Deno.test("findOriginal() finds nothing where nobody, or somebody else, answers", async () => {
  const node = await authority.node("member");
  await using stranger = await PlayedMember.start(node, running);
  for (
    const endpoints of [
      [],
      [{ id, address: "127.0.0.1", port: freePort() }],
      [{ ...stranger.endpoint, id }],
      // A member that is just starting, too.
      [{ ...stranger.endpoint, port: freePort() }],
    ]
  ) {
    const { original, warnings } = await find(...endpoints);
    assert.deepEqual([original, warnings], [undefined, []]);
  }
});

Deno.test("findOriginal() says so where it has reached nobody", async () => {
  // Who says nothing at all is as far away as one that is off.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { original, warnings } = await find({
    id: "hamlet-1",
    address: "127.0.0.1",
    port: silent.addr.port,
  });
  assert.equal(original, undefined);
  assert.match(warnings.join(), /^warn No other member is reached/);
});
