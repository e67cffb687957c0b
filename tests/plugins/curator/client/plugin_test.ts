import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import {
  type ClusterNode,
  enrollment,
  Latest,
  network,
  node as nodeService,
  nodes,
} from "../../../../mod.ts";
import { formatToken } from "../../../../plugins/curator/token.ts";
import { JoinProposalSchema } from "../../../../proto/gen/hamlet/cluster/v1/membership_pb.ts";
import { Role } from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import {
  generateIdentity,
  type Identity,
  writeIdentity,
} from "../../../../runtime/node/identity.ts";
import { Harness, node } from "../../../runtime/host/harness.ts";
import { tempFolder } from "../../../support/temp.ts";
import { TestAuthority } from "./authority.ts";
import { type Part, PlayedMember } from "./played_member.ts";

const authority = await TestAuthority.create();
const member = await authority.node("member");
const secret = crypto.getRandomValues(new Uint8Array(32));

/** A member that lets everybody in, and knows the nodes `a` and whoever joined. */
function hospitable(crl: Uint8Array, role = Role.WORKER): Part {
  const views = new Latest<{ nodes: { id: string; name: string }[] }>({
    nodes: [],
  });
  return {
    authority: () => ({ certificate: authority.certificate }),
    async join({ proposal }) {
      const { publicKey, name } = fromBinary(JoinProposalSchema, proposal);
      const id = `hamlet-${publicKey.subarray(12, 28).toHex()}`;
      const certificate = await authority.issue(
        new Uint8Array(publicKey),
        role === Role.WORKER ? "worker" : "member",
        id,
      );
      views.set({ nodes: [{ id, name }] });
      return { certificate, crl, role };
    },
    report: () => ({ next: 300 }),
    async *watchNodes(signal) {
      let first = true;
      for await (const { nodes } of views.watch(signal)) {
        yield {
          nodes: [...nodes, {
            id: member.identity.id,
            name: "a",
            role: Role.MEMBER,
            addresses: ["127.0.0.1"],
          }],
          lastBacklogged: first,
        };
        first = false;
      }
    },
    async *watchRevocations(signal) {
      yield { crl };
      for await (const _ of new Latest(0).watch(signal));
    },
  };
}

/** A machine that runs the plugin in its Worker, under its grant. */
class Machine implements AsyncDisposable {
  readonly harness: Harness;
  readonly calls: string[] = [];
  token: string | undefined;

  constructor(
    folder: string,
    identity: Identity,
    endpoints: readonly PlayedMember[],
    role: "member" | "worker" = "worker",
  ) {
    const data = `${folder}/data`;
    const { calls } = this;
    this.harness = new Harness({
      node: {
        ...node,
        id: identity.id,
        name: "b",
        role,
        origin: "join",
        folders: { data, run: `${folder}/run` },
      },
    });
    const { broker } = this.harness;
    broker.provide(network, {
      async *watch(_, { signal }) {
        for await (const addresses of new Latest(["127.0.0.1"]).watch(signal)) {
          yield { addresses };
        }
      },
    });
    broker.provide(nodeService, {
      joinToken: () =>
        Promise.resolve(this.token === undefined ? {} : { token: this.token }),
      joined: () => {
        calls.push("joined");
        this.token = undefined;
        return Promise.resolve({});
      },
      setRole: ({ role }) => {
        calls.push(`setRole ${role}`);
        return Promise.resolve({});
      },
      removed: ({ reason }) => {
        calls.push(`removed ${reason}`);
        return Promise.resolve({});
      },
    });
    const own = ["cert.pem", "ca.pem", "crl.der"].flatMap((name) => [
      `${data}/identity/${name}`,
      `${data}/identity/${name}.new`,
    ]);
    this.harness.start(
      "curator",
      new URL("../../../../plugins/curator/mod.ts", import.meta.url),
      {
        provides: ["nodes", "enrollment", "membership"],
        permissions: {
          read: [`${data}/curator`, `${data}/identity/key.pem`, ...own],
          write: [`${data}/curator`, ...own],
          net: endpoints.map(({ endpoint }) =>
            `${endpoint.address}:${endpoint.port}`
          ),
          env: ["GRPC_*", "NODE_*", "grpc_proxy", "no_grpc_proxy"],
        },
        uses: {
          network: { optional: false, scope: undefined },
          node: { optional: false, scope: undefined },
          kv: { optional: true, scope: undefined },
          cluster: { optional: true, scope: undefined },
          ca: { optional: true, scope: undefined },
        },
      },
    );
  }

  /** Reads what it tells other plugins until that fits. */
  async tells(
    condition: (view: { nodes: ClusterNode[]; current: boolean }) => boolean,
  ): Promise<void> {
    const signal = AbortSignal.timeout(20_000);
    const client = await this.harness.broker.client(nodes, {
      name: "test",
      scope: undefined,
      signal,
    });
    for await (const view of client.watch({}, { signal })) {
      if (condition(view)) return;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.harness[Symbol.asyncDispose]();
  }
}

async function newMachine(folder: string): Promise<Identity> {
  await Deno.mkdir(`${folder}/data/identity`, { recursive: true });
  await Deno.mkdir(`${folder}/data/curator`);
  const identity = await generateIdentity();
  await writeIdentity(`${folder}/data`, identity);
  return identity;
}

function tokenFor(
  { endpoint }: PlayedMember,
  role: "member" | "worker" = "worker",
): string {
  return formatToken({
    role,
    invitation: "abc",
    secret,
    fingerprint: authority.fingerprint,
    endpoints: [endpoint],
  });
}

Deno.test("curator joins within its grant, tells who is there, and needs no token afterwards", async () => {
  await using folder = await tempFolder();
  const identity = await newMachine(folder.path);
  await using played = await PlayedMember.start(
    member,
    hospitable(await authority.revoke()),
  );
  {
    await using machine = new Machine(folder.path, identity, [played]);
    machine.token = tokenFor(played);
    await machine.tells(({ nodes, current }) =>
      current && nodes.map(({ name }) => name).sort().join() === "a,b"
    );
    await machine.harness.untilReadiness("curator", "ready");
    assert.deepEqual(machine.calls, ["joined"]);
    await machine.harness.untilLogged(/^Joined the cluster/);
  }
  // Without a member, on what it remembers.
  const { port } = played.endpoint;
  await played[Symbol.asyncDispose]();
  await using machine = new Machine(folder.path, identity, [played]);
  await machine.harness.untilReadiness("curator", "ready");
  await machine.tells(({ nodes, current }) => !current && nodes.length === 2);
  await machine.harness.untilLogged(
    /^No member of the cluster answers: .*connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
  );
  await using again = await PlayedMember.start(
    member,
    hospitable(await authority.revoke()),
    port,
  );
  await machine.tells(({ current }) => current);
  assert.equal(again.endpoint.port, port);
  assert.deepEqual(machine.calls, []);
});

Deno.test("curator gets for a member that joins what its etcd needs, by way of others", async () => {
  await using folder = await tempFolder();
  const identity = await newMachine(folder.path);
  const crl = await authority.revoke();
  let tries = 0;
  await using played = await PlayedMember.start(member, {
    ...hospitable(crl, Role.MEMBER),
    sealKey: () => ({ key: new Uint8Array(32).fill(7) }),
    peerCertificate: ({ publicKey }) => ({
      certificate: publicKey,
      authority: Uint8Array.of(2),
      crl: Uint8Array.of(3),
    }),
    addMember({ peerUrl, restart, etcdVersion }) {
      if (++tries === 1) throw new Error("Not now");
      return {
        memberId: "ab",
        members: [{ name: `${restart} ${etcdVersion}`, peerUrl }],
      };
    },
  });
  await using machine = new Machine(folder.path, identity, [played], "member");
  machine.token = tokenFor(played, "member");
  const signal = AbortSignal.timeout(20_000);
  const client = await machine.harness.broker.client(enrollment, {
    name: "consensus",
    scope: undefined,
    signal,
  });
  // Asked for before the node has joined.
  const [{ key }, { certificate }] = await Promise.all([
    client.sealKey({}, { signal }),
    client.peerCertificate({ publicKey: Uint8Array.of(1) }, { signal }),
  ]);
  assert.deepEqual([key[0], key.length], [7, 32]);
  assert.deepEqual(certificate, Uint8Array.of(1));
  const input = {
    peerURL: "https://192.0.2.1:7834",
    restart: true,
    version: "3.4.23",
  };
  await assert.rejects(client.addMember(input, { signal }), /Not now/);
  assert.deepEqual(await client.addMember(input, { signal }), {
    memberId: "ab",
    members: [{ name: "true 3.4.23", peerURL: "https://192.0.2.1:7834" }],
  });
});

Deno.test("curator stops with what to do where there is neither certificate nor token", async () => {
  await using folder = await tempFolder();
  const identity = await newMachine(folder.path);
  await using machine = new Machine(folder.path, identity, []);
  await machine.harness.until(() => machine.harness.fatal.length > 0);
  assert.match(machine.harness.fatal[0]?.message ?? "", /--join/);
});
