import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type ClusterNode, Latest } from "../../../../mod.ts";
import {
  Follower,
  type SelfReport,
} from "../../../../plugins/curator/client/follow.ts";
import { KnownCluster } from "../../../../plugins/curator/client/known_cluster.ts";
import { KnownRevocations } from "../../../../plugins/curator/client/known_revocations.ts";
import { Code, RpcError } from "../../../../plugins/curator/grpc/rpc_error.ts";
import {
  type Credentials,
  toPem,
} from "../../../../plugins/curator/identity_files.ts";
import type {
  ReportRequest,
  WatchNodesResponse,
} from "../../../../proto/gen/hamlet/cluster/v1/membership_pb.ts";
import { Role } from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { type TempFolder, tempFolder } from "../../../support/temp.ts";
import { publicKeyOf, TestAuthority, type TestNode } from "./authority.ts";
import { type Part, PlayedMember } from "./played_member.ts";
import { RecordedLog } from "./recorded_log.ts";

const authority = await TestAuthority.create();

type Event = Partial<Pick<WatchNodesResponse, "removed" | "lastBacklogged">> & {
  nodes?: {
    id: string;
    name?: string;
    role?: Role;
    addresses?: string[];
    curatorPort?: number;
  }[];
};

/** A member whose streams a test writes, and that notes what it is told. */
class Member {
  readonly node: TestNode;
  readonly reports: ReportRequest[] = [];
  readonly events = new Latest<readonly Event[]>([{ lastBacklogged: true }]);
  readonly lists = new Latest<Uint8Array | undefined>(undefined);
  refuse: RpcError | undefined;
  next = 300;
  view: { role: Role; addresses: string[] } | undefined;
  onReport = () => {};

  private constructor(node: TestNode) {
    this.node = node;
  }

  static async create(): Promise<Member> {
    return new Member(await authority.node("member"));
  }

  start(port?: number): Promise<PlayedMember> {
    return PlayedMember.start(this.node, this.part(), port);
  }

  part(): Part {
    const { events, lists } = this;
    return {
      report: (request) => {
        if (this.refuse) throw this.refuse;
        this.reports.push(request);
        this.onReport();
        return {
          next: this.next,
          ...this.view && { node: { id: "self", ...this.view } },
        };
      },
      async *watchNodes(signal) {
        let sent = 0;
        for await (const all of events.watch(signal)) {
          yield* all.slice(sent);
          sent = all.length;
        }
      },
      async *watchRevocations(signal) {
        for await (const crl of lists.watch(signal)) {
          if (crl !== undefined) yield { crl };
        }
      },
    };
  }

  say(event: Event): void {
    this.events.set([...this.events.value, event]);
  }
}

/** A worker node that follows. */
class Node implements AsyncDisposable {
  readonly log = new RecordedLog();
  readonly self = new Latest<SelfReport>({
    addresses: ["192.0.2.1"],
    curatorPort: 0,
  });
  readonly reported: (string | undefined)[] = [];
  readonly credentials: Latest<Credentials | undefined>;
  readonly known: KnownCluster;
  readonly revocations: KnownRevocations;
  readonly follower: Follower;
  readonly #controller = new AbortController();
  readonly #folder: TempFolder;
  readonly path: string;
  ended: Promise<string>;

  private constructor(
    folder: TempFolder,
    node: TestNode,
    known: KnownCluster,
    revocations: KnownRevocations,
  ) {
    this.#folder = folder;
    this.path = folder.path;
    this.known = known;
    this.revocations = revocations;
    this.credentials = new Latest<Credentials | undefined>(node.credentials);
    this.follower = new Follower({
      id: node.identity.id,
      name: "self",
      localAddress: "127.0.0.1",
      self: this.self,
      instance: crypto.getRandomValues(new Uint8Array(16)),
      credentials: this.credentials,
      known,
      revocations,
      log: this.log,
      report: (reason) => this.reported.push(reason),
      renewed: (certificate) => {
        this.credentials.set({ ...node.credentials, cert: toPem(certificate) });
        return Promise.resolve();
      },
    });
    this.ended = this.follower.run(this.#controller.signal);
    this.ended.catch(() => {});
  }

  static async start(
    members: readonly PlayedMember[],
    node?: TestNode,
  ): Promise<Node> {
    const folder = await tempFolder();
    const known = await KnownCluster.open(
      `${folder.path}/cluster.json`,
      new RecordedLog(),
    );
    known.setEndpoints(members.map(({ endpoint }) => endpoint));
    return new Node(
      folder,
      node ?? await authority.node("worker"),
      known,
      await KnownRevocations.open(`${folder.path}/crl.der`, true),
    );
  }

  /** Waits until what is known fits. */
  async knows(
    condition: (nodes: ClusterNode[], current: boolean) => boolean,
  ): Promise<void> {
    const signal = AbortSignal.timeout(20_000);
    for await (const _ of this.known.version.watch(signal)) {
      if (condition(this.known.nodes, this.known.current)) return;
    }
    throw new Error(`Waited in vain: ${Deno.inspect(this.known.nodes)}
${this.log.lines.join("\n")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.ended.catch(() => {});
    await this.#folder[Symbol.asyncDispose]();
  }
}

const names = (nodes: readonly ClusterNode[]) => nodes.map(({ name }) => name);

Deno.test("Follower shows the whole cluster, then each change", async () => {
  const member = await Member.create();
  member.events.set([
    {
      nodes: [{
        id: "b",
        name: "bee",
        role: Role.WORKER,
        addresses: ["192.0.2.2"],
      }],
    },
    {
      nodes: [{ id: "a", name: "ay", role: Role.MEMBER, curatorPort: 7835 }],
      lastBacklogged: true,
    },
  ]);
  await using played = await member.start();
  await using node = await Node.start([played]);
  // Never a part of what is there.
  await node.knows((nodes, current) => {
    if (nodes.length === 1) assert.fail("Told of one node before the other");
    return current && names(nodes).join() === "ay,bee";
  });
  assert.deepEqual(node.known.nodes[1], {
    id: "b",
    name: "bee",
    role: "worker",
    addresses: ["192.0.2.2"],
  });
  assert.deepEqual(node.reported, [undefined]);
  member.say({ nodes: [{ id: "c", name: "sea" }], removed: ["b"] });
  await node.knows((nodes) => names(nodes).join() === "ay,sea");
});

Deno.test("Follower says what it is, at once and at every change", async () => {
  const member = await Member.create();
  await using played = await member.start();
  await using node = await Node.start([played]);
  await node.log.until(/Follows member/);
  assert.deepEqual(member.reports.map(({ addresses }) => addresses), [[
    "192.0.2.1",
  ]]);
  assert.equal(member.reports[0]?.instance.length, 16);
  assert.equal(member.reports[0]?.name, "self");
  const reported = Promise.withResolvers<void>();
  member.onReport = reported.resolve;
  node.self.set({ addresses: ["192.0.2.9"], curatorPort: 0 });
  await reported.promise;
  assert.deepEqual(member.reports[1]?.addresses, ["192.0.2.9"]);
  assert.deepEqual(member.reports[1]?.instance, member.reports[0]?.instance);
});

Deno.test("Follower reports as often as the member asks for", async () => {
  const member = await Member.create();
  member.next = 1;
  await using played = await member.start();
  const third = Promise.withResolvers<void>();
  member.onReport = () => member.reports.length === 3 && third.resolve();
  await using node = await Node.start([played]);
  await third.promise;
  assert.equal(node.log.lines.length, 1);
});

Deno.test("Follower leaves nothing behind with each report", async () => {
  const member = await Member.create();
  member.next = 1;
  await using played = await member.start();
  await using node = await Node.start([played]);
  const watch = node.self.watch.bind(node.self);
  let open = 0;
  node.self.watch = async function* (signal) {
    open++;
    try {
      yield* watch(signal);
    } finally {
      open--;
    }
  };
  const late = Promise.withResolvers<number>();
  member.onReport = () => {
    if (member.reports.length === 4) late.resolve(open);
  };
  // One waits for a change to report, the other for the end of a server of its own.
  assert((await late.promise) <= 2, `${open} wait for a change`);
});

Deno.test("Follower moves on when its member ends, and keeps what it knows", async () => {
  const [first, second] = [await Member.create(), await Member.create()];
  const nodes = [{ id: "a", name: "ay" }];
  first.events.set([{ nodes, lastBacklogged: true }]);
  second.events.set([{
    nodes: [...nodes, { id: "b", name: "bee" }],
    lastBacklogged: true,
  }]);
  const played = await first.start();
  await using node = await Node.start([played]);
  await node.knows((nodes) => nodes.length === 1);
  await using other = await second.start();
  node.known.setEndpoints([played.endpoint, other.endpoint]);
  await played[Symbol.asyncDispose]();
  await node.knows((nodes) => {
    assert(nodes.length >= 1, "Forgot what it knew");
    return names(nodes).join() === "ay,bee";
  });
  await node.log.until(/Lost the member that this node follows/);
});

Deno.test("Follower leaves this node's own server as soon as that serves nobody any more", async () => {
  const [own, other] = [await Member.create(), await Member.create()];
  await using played = await own.start();
  await using elsewhere = await other.start();
  await using node = await Node.start([], own.node);
  const { port } = played.endpoint;
  const addresses = ["127.0.0.1"];
  node.self.set({ addresses, curatorPort: port });
  await node.log.until(new RegExp(`Follows member "${played.endpoint.id}"`));
  node.known.setEndpoints([elsewhere.endpoint]);
  node.self.set({ addresses, curatorPort: 0 });
  await node.log.until(new RegExp(`Follows member "${elsewhere.endpoint.id}"`));
  assert(!node.log.lines.some((line) => line.includes("Lost the member")));
});

Deno.test("Follower goes on with what it remembers, says so, and comes back by itself", async () => {
  const member = await Member.create();
  member.events.set([{
    nodes: [{ id: "a", name: "ay" }],
    lastBacklogged: true,
  }]);
  const played = await member.start();
  await using node = await Node.start([played]);
  await node.knows((_, current) => current);
  await node.known.save();
  const { port } = played.endpoint;
  await played[Symbol.asyncDispose]();
  await node.knows((nodes, current) => !current && nodes.length === 1);
  assert.match(node.reported.at(-1) ?? "", /^No member of the cluster answers/);
  await using again = await member.start(port);
  await node.knows((_, current) => current);
  assert.equal(node.reported.at(-1), undefined);
  assert.equal(again.endpoint.port, port);
  const reopened = await KnownCluster.open(
    `${node.path}/cluster.json`,
    node.log,
  );
  assert.deepEqual([names(reopened.nodes), reopened.current], [["ay"], false]);
});

Deno.test("Follower keeps the revocation list, and leaves a member that is on it", async () => {
  const [first, second] = [await Member.create(), await Member.create()];
  await using played = await first.start();
  await using node = await Node.start([played]);
  await node.log.until(/Follows member/);
  await using other = await second.start();
  node.known.setEndpoints([played.endpoint, other.endpoint]);
  const list = await authority.revoke(first.node.serial);
  first.lists.set(list);
  await node.log.until(
    new RegExp(`Follows member "${second.node.identity.id}"`),
  );
  assert.deepEqual(await Deno.readFile(`${node.path}/crl.der`), list);
  assert(node.revocations.isRevoked(first.node.serial));
});

Deno.test("Follower ends when the cluster has removed the node, however that comes out", async () => {
  const removal = new RpcError(
    Code.PERMISSION_DENIED,
    "It was removed",
    "removed",
  );
  const member = await Member.create();
  await using played = await member.start();
  {
    member.refuse = removal;
    await using node = await Node.start([played]);
    assert.equal(await node.ended, "It was removed");
  }
  member.refuse = undefined;
  await using node = await Node.start([played]);
  await node.log.until(/Follows member/);
  member.refuse = removal;
  node.self.set({ addresses: [], curatorPort: 0 });
  assert.equal(await node.ended, "It was removed");
});

Deno.test("Follower ends on a machine that is a copy of another, as on one that was removed", async () => {
  const member = await Member.create();
  member.refuse = new RpcError(
    Code.FAILED_PRECONDITION,
    "Another machine runs with this key",
    "cloned",
  );
  await using played = await member.start();
  await using node = await Node.start([played]);
  assert.equal(await node.ended, "Another machine runs with this key");
});

Deno.test("Follower renews the certificate where the cluster knows something else, and once", async () => {
  const member = await Member.create();
  const worker = await authority.node("worker");
  let renewals = 0;
  await using played = await PlayedMember.start(member.node, {
    ...member.part(),
    async renew() {
      renewals++;
      const certificate = await authority.issue(
        publicKeyOf(worker.identity.pem),
        "worker",
        worker.identity.id,
        ["192.0.2.1"],
      );
      return { certificate, role: Role.WORKER };
    },
  });
  // The certificate can have only one of them: nothing is gained by asking again.
  member.view = { role: Role.WORKER, addresses: ["192.0.2.1", "2001:DB8::1"] };
  await using node = await Node.start([played], worker);
  await node.log.until(/Follows member/);
  assert.equal(renewals, 1);
  assert.notEqual(node.credentials.value?.cert, worker.credentials.cert);
});

Deno.test("Follower renews the certificate for what it was asked for in vain once, since it was old news", async () => {
  const member = await Member.create();
  const worker = await authority.node("worker");
  const { id, pem } = worker.identity;
  let role = Role.WORKER;
  await using played = await PlayedMember.start(member.node, {
    ...member.part(),
    async renew() {
      const name = role === Role.MEMBER ? "member" : "worker";
      const key = publicKeyOf(pem);
      const addresses = ["127.0.0.1"];
      const certificate = await authority.issue(key, name, id, addresses);
      return { certificate, role };
    },
  });
  // What it was until just now.
  member.view = { role: Role.MEMBER, addresses: ["127.0.0.1"] };
  await using node = await Node.start([played], worker);
  await node.log.until(/Follows member/);
  const view = { id, name: "self", addresses: ["127.0.0.1"] };
  member.view = { role, addresses: view.addresses };
  member.say({ nodes: [{ ...view, role }] });
  await node.knows((nodes) => nodes.some((one) => one.id === id));
  role = Role.MEMBER;
  member.say({ nodes: [{ ...view, role }] });
  await node.knows((nodes) => nodes.some((one) => one.role === "member"));
});

Deno.test("Follower renews the certificate as soon as an operator has changed the node", async () => {
  const member = await Member.create();
  const worker = await authority.node("worker");
  const { id, pem } = worker.identity;
  await using played = await PlayedMember.start(member.node, {
    ...member.part(),
    async renew() {
      const certificate = await authority.issue(
        publicKeyOf(pem),
        "member",
        id,
        ["127.0.0.1"],
      );
      return { certificate, role: Role.MEMBER };
    },
  });
  await using node = await Node.start([played], worker);
  await node.log.until(/Follows member/);
  member.say({
    nodes: [{ id, name: "self", role: Role.MEMBER, addresses: ["127.0.0.1"] }],
  });
  await node.log.until(/^info Renewed this node's certificate/);
  await node.knows((nodes) => nodes.some((one) => one.role === "member"));
});

Deno.test("Follower renews the certificate once at a time, whoever tells of a change", async () => {
  const member = await Member.create();
  const worker = await authority.node("worker");
  const { id, pem } = worker.identity;
  const view = { id, name: "self", role: Role.WORKER };
  let running = 0;
  let most = 0;
  let renewals = 0;
  await using played = await PlayedMember.start(member.node, {
    ...member.part(),
    async renew() {
      most = Math.max(most, ++running);
      const addresses = [`192.0.2.${7 + Math.min(renewals++, 1)}`];
      // While the answer to a report is acted upon, the watch tells of the next change.
      member.say({ nodes: [{ ...view, addresses: ["192.0.2.8"] }] });
      await delay(300);
      running--;
      const key = publicKeyOf(pem);
      const certificate = await authority.issue(key, "worker", id, addresses);
      return { certificate, role: Role.WORKER };
    },
  });
  await using node = await Node.start([played], worker);
  await node.log.until(/Follows member/);
  member.view = { role: Role.WORKER, addresses: ["192.0.2.7"] };
  node.self.set({ addresses: ["192.0.2.7"], curatorPort: 0 });
  await node.log.until(/^info Renewed this node's certificate/);
  await node.knows((nodes) =>
    nodes.some(({ addresses }) => addresses.includes("192.0.2.8"))
  );
  assert.equal(most, 1);
});

Deno.test("Follower tells of an address of the other family by way of that", async () => {
  const member = await Member.create();
  member.view = { role: Role.WORKER, addresses: ["127.0.0.1"] };
  await using played = await member.start();
  const ipv6 = await Member.create();
  const told = Promise.withResolvers<void>();
  ipv6.onReport = told.resolve;
  await using other = await PlayedMember.start(
    ipv6.node,
    ipv6.part(),
    0,
    "::1",
  );
  const { id, port, address } = other.endpoint;
  member.events.set([{
    nodes: [{
      id,
      name: "six",
      role: Role.MEMBER,
      addresses: [address],
      curatorPort: port,
    }],
    lastBacklogged: true,
  }]);
  await using node = await Node.start([played]);
  await node.log.until(/Follows member/);
  node.self.set({ addresses: ["127.0.0.1", "::1"], curatorPort: 0 });
  await told.promise;
  assert.deepEqual(ipv6.reports[0]?.addresses, ["127.0.0.1", "::1"]);
  assert(member.reports.length >= 2);
});

Deno.test("Follower leaves a member that does not say who is in the cluster", async () => {
  const member = await Member.create();
  const part = member.part();
  await using played = await PlayedMember.start(member.node, {
    ...part,
    watchNodes() {
      throw new RpcError(Code.UNAVAILABLE, "Not loaded yet");
    },
  });
  await using node = await Node.start([played]);
  await node.log.until(/^warn No member of the cluster answers: .*Not loaded/);
  assert.equal(node.known.current, false);
  assert.equal(node.log.lines.length, 1);
});
