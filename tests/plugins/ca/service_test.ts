import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  type AuthorityName,
  type ca,
  type Caller,
  type Implementation,
  type Logger,
  parseRevocationList,
  type RevocationListContent,
  type v,
} from "hamlet";
import { createService } from "../../../plugins/ca/service.ts";
import { openState } from "../../../plugins/ca/state_on_disk.ts";
import type { Store } from "../../../plugins/ca/store.ts";
import { startEtcd } from "../../support/etcd.ts";
import { tempFolder } from "../../support/temp.ts";
import { openStore } from "../store.ts";

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** The `ca` plugin of one node, as far as its `run` only connects it. */
interface Member {
  readonly ca: Implementation<typeof ca>;
  readonly files: { readonly pending: string; readonly sealKey: string };
  attach(store: Store): Promise<void>;
}

async function startMember(folder: string): Promise<Member> {
  const files = {
    pending: `${folder}/pending.json`,
    sealKey: `${folder}/seal.key`,
  };
  const service = createService(await openState(files, "make"), files, quiet);
  return {
    ca: service.implementation,
    files,
    attach: (store) => service.attach(store, {}),
  };
}

/** One etcd, a connection to it, and the first member of the cluster. */
async function startCluster() {
  await using cleanup = new AsyncDisposableStack();
  const etcd = cleanup.use(await startEtcd());
  const store = cleanup.use(openStore(etcd.socket)).client;
  const folder = cleanup.use(await tempFolder()).path;
  const member = await startMember(folder);
  const end = cleanup.move();
  return {
    etcd,
    store,
    folder,
    member,
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

function caller(signal = AbortSignal.timeout(60_000)): Caller<undefined> {
  return { name: "test", scope: undefined, signal };
}

/** What to issue. */
function request(
  name: string,
  authority: AuthorityName = "cluster",
): v.InferOutput<typeof ca.methods.issue.input> {
  return { authority, name, addresses: [], role: "operator" };
}

/** A promise's state now, all that was due before it included. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  const settled = promise.catch(() => {});
  const timer = new Promise((resolve) => setTimeout(resolve, 0, pending));
  return await Promise.race([settled, timer]) !== pending;
}

/** The newest list in etcd, read without any of the plugin's code but its parser. */
async function listIn(store: Store, prefix: string) {
  const { kvs } = await store.range({ key: `${prefix}crl.der` });
  assert(kvs[0]);
  return parseRevocationList(kvs[0].value);
}

function serialsOn({ revoked }: RevocationListContent): Set<string> {
  return new Set(Iterator.from(revoked).map(({ serial }) => serial));
}

Deno.test("ca issues while pending, and waits with everything that needs etcd", async () => {
  await using cluster = await startCluster();
  const { member: { ca, files, attach }, store } = cluster;
  const { certificate } = await ca.authority({ authority: "peer" }, caller());
  const issued = await ca.issue({
    ...request("node-1", "peer"),
    addresses: ["192.0.2.1"],
  }, caller());
  assert.deepEqual(issued.authorityCertificate, certificate);
  assert.equal((await ca.crl({ authority: "peer" }, caller())).number, 1);

  const waiting = {
    committed: ca.committed({}, caller()),
    list: ca.list({}, caller()),
    revoke: ca.revoke({ name: "node-1" }, caller()),
  };
  for (const [name, promise] of Object.entries(waiting)) {
    assert(!await isSettled(promise), name);
  }
  const committed = waiting.committed.then(() => existsSync(files.pending));
  await attach(store);

  assert.equal(await committed, false, "the pending file is still there");
  assert(existsSync(files.sealKey));
  const { revoked } = await waiting.revoke;
  assert.deepEqual(revoked, [{ authority: "peer", serial: issued.serial }]);
  await waiting.list;
  const { certificates } = await ca.list({}, caller());
  assert.deepEqual(
    certificates.map(({ issuedAt: _, ...rest }) => rest),
    [{
      authority: "peer",
      serial: issued.serial,
      name: "node-1",
      addresses: ["192.0.2.1"],
      revoked: true,
    }],
  );
});

Deno.test("ca stops waiting when the caller does", async () => {
  await using folder = await tempFolder();
  const { ca } = await startMember(folder.path);
  const reason = new Error("Enough");
  const controller = new AbortController();
  const calls = [
    ca.list({}, caller(controller.signal)),
    ca.committed({}, caller(controller.signal)),
  ];
  controller.abort(reason);
  for (const call of calls) await assert.rejects(call, reason);
  await assert.rejects(ca.list({}, caller(controller.signal)), reason);
});

Deno.test("ca signs nothing for a name or a key that cannot stand in a certificate", async () => {
  await using cluster = await startCluster();
  const { member: { ca, attach }, store } = cluster;
  const refused = {
    code: "invalid-argument",
    message: /^Cannot issue a certificate for /,
  };
  for (const when of ["pending", "loaded"]) {
    await assert.rejects(
      ca.issue(request("../alice"), caller()),
      refused,
      when,
    );
    await assert.rejects(
      ca.issue(
        { ...request("alice"), publicKey: new Uint8Array(3) },
        caller(),
      ),
      refused,
      when,
    );
    await attach(store);
  }
  assert.deepEqual((await ca.list({}, caller())).certificates, []);
});

Deno.test("ca goes on where it was killed between the commit and the end of the pending file", async () => {
  await using cluster = await startCluster();
  const { member: { ca, files, attach }, store, folder } = cluster;
  const pending = await Deno.readFile(files.pending);
  const { certificate } = await ca.authority(
    { authority: "cluster" },
    caller(),
  );
  await attach(store);
  await ca.issue(request("alice"), caller());
  await ca.revoke({ name: "alice" }, caller());

  await Deno.writeFile(files.pending, pending);
  const again = await startMember(folder);
  assert.deepEqual(
    (await again.ca.authority({ authority: "cluster" }, caller())).certificate,
    certificate,
  );
  // It does not know that it was committed, and issues into the pending file once more.
  const { serial } = await again.ca.issue(
    request("bob"),
    caller(),
  );
  await again.attach(store);
  assert(!existsSync(files.pending));
  assert.deepEqual(
    (await again.ca.list({}, caller())).certificates.map((
      { name, revoked },
    ) => [name, revoked]),
    [["alice", true], ["bob", false]],
  );
  assert.equal((await listIn(store, "/cluster-ca/")).number, 2);
  assert.equal((await again.ca.revoke({ serial }, caller())).revoked.length, 1);
});

Deno.test("ca tells a store that it is worth keeping, also where it was not told of its own commit", async () => {
  await using cluster = await startCluster();
  const { member, store } = cluster;
  const pending = await Deno.readFile(member.files.pending);
  await member.attach(store);
  await Deno.writeFile(member.files.pending, pending);
  const again = await startMember(cluster.folder);
  const written: string[] = [];
  await again.attach({
    ...store,
    async txn(input, options) {
      const answer = await store.txn(input, options);
      for (const one of answer.succeeded ? input.success ?? [] : []) {
        if ("put" in one) written.push(one.put.key);
      }
      return answer;
    },
  });
  assert.deepEqual(written, ["/etcd-ca/ca.der", "/cluster-ca/ca.der"]);
});

Deno.test("ca never makes a second authority", async (t) => {
  await using cluster = await startCluster();
  const { store } = cluster;
  await cluster.member.attach(store);
  const before = await dump(store);

  await t.step("where another node made one already", async () => {
    await using folder = await tempFolder();
    const member = await startMember(folder.path);
    await assert.rejects(member.attach(store), {
      name: "FatalError",
      message:
        /^Cannot commit this node's new authorities: the cluster has others already/,
    });
    assert(existsSync(member.files.pending));
  });

  await t.step("where the seal key is another one", async () => {
    await using folder = await tempFolder();
    await Deno.writeFile(`${folder.path}/seal.key`, new Uint8Array(32));
    const member = await startMember(folder.path);
    await assert.rejects(member.attach(store), {
      name: "FatalError",
      message: /^Cannot open the seal of the private key of the peer authority/,
    });
  });

  assert.deepEqual(await dump(store), before);

  await t.step("where etcd has lost it", async () => {
    await using empty = await startEtcd();
    await using other = openStore(empty.socket);
    const member = await startMember(cluster.folder);
    await assert.rejects(member.attach(other.client), {
      name: "FatalError",
      message:
        /^Cannot load the peer authority: this node has its seal key, and etcd has nothing under "\/etcd-ca\/"/,
    });
    assert.deepEqual(await dump(other.client), []);
  });
});

Deno.test("ca hands out the key of its seals to a plugin, and to nobody at the admin socket", async () => {
  await using folder = await tempFolder();
  const { ca, files } = await startMember(folder.path);
  await assert.rejects(ca.sealKey({}, { ...caller(), name: "admin" }), {
    name: "ServiceError",
    code: "not-permitted",
  });
  const { key } = await ca.sealKey({}, { ...caller(), name: "curator" });
  assert.deepEqual(key, await Deno.readFile(files.sealKey));
});

Deno.test("ca is the same authority on every member that has the seal key", async () => {
  await using cluster = await startCluster();
  const { member, store } = cluster;
  await member.attach(store);
  await using folder = await tempFolder();
  await Deno.copyFile(member.files.sealKey, `${folder.path}/seal.key`);
  const second = await startMember(folder.path);
  // Nothing is pending on this node, even before it has etcd.
  await second.ca.committed({}, caller());
  const issuing = second.ca.issue(request("alice"), caller());
  await second.attach(store);
  const { serial, authorityCertificate } = await issuing;
  assert.deepEqual(
    authorityCertificate,
    (await member.ca.authority({ authority: "cluster" }, caller())).certificate,
  );
  assert.deepEqual((await member.ca.revoke({ serial }, caller())).revoked, [
    { authority: "cluster", serial },
  ]);
});

Deno.test("ca revokes every certificate of a name, with both authorities, once", async () => {
  await using cluster = await startCluster();
  const { member: { ca, attach }, store } = cluster;
  const issueTo = async (name: string, authority: "peer" | "cluster") => {
    return (await ca.issue(request(name, authority), caller())).serial;
  };
  const pending = await issueTo("node-1", "peer");
  await attach(store);
  const peer = [pending, await issueTo("node-1", "peer")];
  const cluster1 = [
    await issueTo("node-1", "cluster"),
    await issueTo("node-1", "cluster"),
  ];
  const others = [
    await issueTo("node-10", "peer"),
    await issueTo("node-10", "cluster"),
  ];

  const one = await ca.revoke({
    serial: cluster1[0] ?? "",
    authority: "cluster",
  }, caller());
  assert.deepEqual(one.revoked, [{
    authority: "cluster",
    serial: cluster1[0],
  }]);
  const rest = await ca.revoke({ name: "node-1" }, caller());
  assert.deepEqual(
    new Set(rest.revoked.map(({ serial }) => serial)),
    new Set([...peer, cluster1[1]]),
  );
  assert.deepEqual((await ca.revoke({ name: "node-1" }, caller())).revoked, []);

  const [peerList, clusterList] = [
    await listIn(store, "/etcd-ca/"),
    await listIn(store, "/cluster-ca/"),
  ];
  assert.deepEqual(
    serialsOn(peerList),
    new Set(peer),
  );
  assert.deepEqual(
    serialsOn(clusterList),
    new Set(cluster1),
  );
  assert.equal(peerList.number, 2);
  assert.equal(clusterList.number, 3);
  const { certificates } = await ca.list({}, caller());
  assert.deepEqual(
    certificates.filter(({ revoked }) => !revoked).map(({ serial }) => serial),
    others,
  );

  for (
    const request of [
      { name: "node" },
      { serial: "1" },
      { serial: peer[0] ?? "", authority: "cluster" } as const,
    ]
  ) {
    await assert.rejects(ca.revoke(request, caller()), {
      code: "not-found",
      message:
        /^Cannot revoke ".*": no certificate has that (name|serial number)$/,
    });
  }
});

Deno.test("ca loses none of 20 revocations at once on five members, and the number always grows", async () => {
  await using cluster = await startCluster();
  const { member: first, store, etcd } = cluster;
  await first.attach(store);
  const serials: string[] = [];
  for (let index = 0; index < 20; index++) {
    serials.push((await first.ca.issue(request(`n${index}`), caller())).serial);
  }
  await using cleanup = new AsyncDisposableStack();
  const members = [first];
  for (let index = 1; index < 5; index++) {
    const folder = cleanup.use(await tempFolder()).path;
    await Deno.copyFile(first.files.sealKey, `${folder}/seal.key`);
    const member = await startMember(folder);
    await member.attach(cleanup.use(openStore(etcd.socket)).client);
    members.push(member);
  }
  const numbers: number[] = [];
  const controller = new AbortController();
  const watching = (async () => {
    for await (
      const change of store.watch({ key: "/cluster-ca/crl.der" }, controller)
    ) {
      const kvs = change.kind === "snapshot"
        ? change.kvs
        : change.events.map((event) => {
          assert(event.kind === "put");
          return event.kv;
        });
      numbers.push(
        ...kvs.map(({ value }) => parseRevocationList(value).number),
      );
      if ((numbers.at(-1) ?? 0) > 20) return;
    }
  })();

  const answers = await Promise.all(serials.map((serial, index) => {
    const member = members[index % members.length] ?? first;
    return member.ca.revoke({ serial }, caller());
  }));

  assert(answers.every(({ revoked }) => revoked.length === 1));
  const list = await listIn(store, "/cluster-ca/");
  assert.deepEqual(
    serialsOn(list),
    new Set(serials),
  );
  assert.equal(list.revoked.size, 20);
  await watching;
  assert.deepEqual(
    numbers,
    Array.from(
      { length: numbers.length },
      (_, index) => 22 - numbers.length + index,
    ),
  );
});

Deno.test("ca tells a watcher of the newest list, then of each newer one", async () => {
  await using cluster = await startCluster();
  const { member: { ca, attach }, store } = cluster;
  await attach(store);
  const controller = new AbortController();
  const lists = ca.watchCrl({ authority: "cluster" }, caller(controller.signal))
    [Symbol.asyncIterator]();
  assert.equal((await lists.next()).value?.number, 1);
  for (const name of ["a", "b"]) {
    const { serial } = await ca.issue(request(name), caller());
    await ca.revoke({ name }, caller());
    const { value } = await lists.next();
    assert(value);
    assert(parseRevocationList(value.der).revoked.has(serial));
    assert.deepEqual(await ca.crl({ authority: "cluster" }, caller()), value);
  }
  controller.abort();
  await lists.next().catch(() => {});
});

Deno.test("ca is unavailable without etcd, and takes the next one", async () => {
  await using cluster = await startCluster();
  const { member: { ca, attach }, etcd } = cluster;
  {
    await using first = openStore(etcd.socket);
    await attach(first.client);
    await ca.issue(request("alice"), caller());
  }
  await assert.rejects(ca.issue(request("alice"), caller()), {
    code: "unavailable",
  });
  await assert.rejects(ca.crl({ authority: "peer" }, caller()), {
    code: "unavailable",
  });
  await ca.authority({ authority: "peer" }, caller());
  await attach(cluster.store);
  assert.equal((await ca.list({}, caller())).certificates.length, 1);
});

Deno.test("ca lists more certificates than one page holds, oldest first", async () => {
  await using cluster = await startCluster();
  const { member: { ca, attach }, store } = cluster;
  await attach(store);
  const record = JSON.stringify({
    name: "n",
    addresses: [],
    issuedAt: "2026-11-21T00:00:00Z",
  });
  const expected = [];
  for (let page = 0; page < 20; page++) {
    const serials = Array.from(
      { length: 101 },
      (_, index) => (0xffff - page * 101 - index).toString(16),
    );
    expected.push(serials);
    await store.txn({
      success: serials.map((serial) => ({
        put: {
          key: `/etcd-ca/certs/${serial}`,
          value: new TextEncoder().encode(record),
        },
      })),
    });
  }
  const { certificates } = await ca.list({}, caller());
  assert.equal(certificates.length, 2020);
  assert.deepEqual(
    expected.map((serials) => new Set(serials)),
    expected.map((_, page) =>
      new Set(
        certificates.slice(page * 101, page * 101 + 101).map(({ serial }) =>
          serial
        ),
      )
    ),
  );
});

/** All that is stored under both authorities. */
async function dump(store: Store): Promise<[string, string, number][]> {
  const found: [string, string, number][] = [];
  for (const prefix of ["/etcd-ca/", "/cluster-ca/"]) {
    for (
      const { key, value, modRevision } of (await store.range({ prefix })).kvs
    ) {
      found.push([key, value.toHex(), modRevision]);
    }
  }
  return found;
}
