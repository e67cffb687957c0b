import assert from "node:assert/strict";
import { cluster, kv } from "../../../mod.ts";
import { bytes, etcdctl } from "./harness.ts";
import { nodeFolders, startEtcdNode, valueOf } from "./node.ts";

const { signal } = new AbortController();

Deno.test("consensus founds a cluster, and goes on with its data", async () => {
  await using folders = await nodeFolders();
  let members: string;
  {
    await using first = await startEtcdNode(folders);
    await first.node.ready;
    assert.match(
      await etcdctl(first.endpoint, "get", "--prefix", "--keys-only", "/"),
      /^\/cluster-ca\/ca-key\.der\n/,
    );
    await Deno.stat(`${folders.data}/etcd/bootstrapped`);
    const store = await first.node.use(kv, signal);
    await store.put({ key: "/a", value: bytes("kept") });
    members = await etcdctl(first.endpoint, "member", "list");
    const { runnables } = await first.node.status();
    const states = new Map(runnables.map(({ dn, state }) => [dn, state]));
    assert.equal(states.get("root.consensus.etcd"), "HEALTHY");
    assert.equal(states.get("root.consensus.etcd.health"), "HEALTHY");
  }
  await assert.rejects(Deno.stat(`${folders.run}/consensus/client.sock:0`));
  await using second = await startEtcdNode(folders);
  await second.node.ready;
  assert.equal(await valueOf(second.endpoint, "/a"), "kept\n");
  assert.equal(await etcdctl(second.endpoint, "member", "list"), members);
});

Deno.test("consensus.cluster tells the members and what etcd says of itself", async () => {
  await using folders = await nodeFolders();
  await using started = await startEtcdNode(folders);
  await started.node.ready;
  const client = await started.node.use(cluster, signal);
  const { members: [self, ...others] } = await client.members({});
  assert.ok(self);
  assert.deepEqual(others, []);
  const { id } = started.node.info;
  const { peerPort } = started.node.info;
  assert.deepEqual(self, {
    id: self.id,
    name: id,
    peerURLs: [`https://127.0.0.1:${peerPort}`],
    learner: false,
    leader: true,
    self: true,
    reachable: true,
  });
  assert.ok(
    (await etcdctl(started.endpoint, "member", "list")).startsWith(self.id),
  );
  const status = await client.status({});
  assert.match(status.version, /^3\.\d+\.\d+$/);
  assert.ok(status.dbSize > 0);
  assert.deepEqual(status.alarms, []);
  await assert.rejects(client.promote({ id: self.id }), {
    code: "failed-precondition",
  });
  await assert.rejects(client.promote({ id: "12345" }), { code: "not-found" });
  await assert.rejects(client.promote({ id: "none" }), {
    code: "invalid-argument",
  });
});

Deno.test("consensus.cluster tells of every change of the members, and of nothing else", async () => {
  await using folders = await nodeFolders();
  await using started = await startEtcdNode(folders);
  await started.node.ready;
  const { endpoint, node } = started;
  const client = await node.use(cluster, signal);
  const changes = client.watch({});
  let next = changes.next();
  const learners = async () => {
    assert.equal((await next).done, false);
    next = changes.next();
    const { members } = await client.members({});
    return members.filter(({ learner }) => learner).map(({ id }) => id);
  };
  assert.deepEqual(await learners(), []);
  const store = await node.use(kv, signal);
  await store.put({ key: "/a", value: bytes("a write") });
  // It looks at what the write has moved on, and finds the same members.
  await client.members({});
  const told = await Promise.race([next, Promise.resolve("nothing")]);
  assert.equal(told, "nothing");
  const url = "--peer-urls=https://127.0.0.1:1";
  await etcdctl(endpoint, "member", "add", "away", "--learner", url);
  const [id = "none", ...others] = await learners();
  assert.deepEqual(others, []);
  await etcdctl(endpoint, "member", "remove", id);
  assert.deepEqual(await learners(), []);
  await changes.return?.();
});

Deno.test("consensus starts etcd again when it is killed, and says why it is not ready", async () => {
  await using folders = await nodeFolders();
  await using started = await startEtcdNode(folders);
  await started.node.ready;
  const store = await started.node.use(kv, signal);
  await store.put({ key: "/a", value: bytes("kept") });
  const pid = await started.etcdPid();
  Deno.kill(pid, "SIGKILL");
  const { state, reason } = await started.consensus(({ state }) =>
    state !== "ready"
  );
  assert.equal(state, "unready");
  assert.match(
    reason ?? "",
    /^etcd (has ended: somebody sent it SIGKILL$|does not answer)/,
  );
  // A call that comes meanwhile waits for the next etcd, 5 s at the most.
  const asked = performance.now();
  const { kvs } = await store.range({ key: "/a" }).catch((error) => {
    assert.ok(performance.now() - asked >= 5_000, error);
    return store.range({ key: "/a" });
  });
  assert.equal(kvs.length, 1);
  const { restarts } = await started.consensus(({ state }) =>
    state === "ready"
  );
  assert.equal(restarts, 0);
  assert.notEqual(await started.etcdPid(), pid);
  const { runnables } = await started.node.status();
  const etcd = runnables.find(({ dn }) => dn === "root.consensus.etcd");
  assert.equal(etcd?.restarts, 1);
});

Deno.test("consensus is not ready while etcd hangs, and is again when it goes on", async () => {
  await using folders = await nodeFolders();
  await using started = await startEtcdNode(folders);
  await started.node.ready;
  const pid = await started.etcdPid();
  Deno.kill(pid, "SIGSTOP");
  try {
    const { reason } = await started.consensus(({ state }) =>
      state === "unready"
    );
    assert.match(reason ?? "", /^etcd does not answer in time/);
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
  await started.consensus(({ state }) => state === "ready");
  assert.equal(await started.etcdPid(), pid);
});

Deno.test("consensus tells that its port is taken, and takes it once it is free", async () => {
  await using folders = await nodeFolders();
  await using started = await startEtcdNode(folders);
  await started.node.ready;
  const port = started.node.info.peerPort;
  Deno.kill(await started.etcdPid(), "SIGKILL");
  {
    // Before etcd is started again, half a second later.
    using _listener = await listenOnceFree(port);
    const { reason } = await started.consensus(({ reason }) =>
      reason?.includes("port") ?? false
    );
    assert.equal(
      reason,
      `etcd has ended: port ${port} is in use by another program: choose another with --peer-port`,
    );
  }
  await started.consensus(({ state }) => state === "ready");
});

Deno.test("consensus tells that etcd's data is damaged, and leaves it alone", async () => {
  await using folders = await nodeFolders();
  {
    await using started = await startEtcdNode(folders);
    await started.node.ready;
  }
  const database = `${folders.data}/etcd/data/member/snap/db`;
  const garbage = crypto.getRandomValues(new Uint8Array(10_000));
  await Deno.writeFile(database, garbage);
  await using started = await startEtcdNode(folders);
  const { reason } = await started.consensus(({ reason }) =>
    reason?.includes("damaged") ?? false
  );
  assert.match(
    reason ?? "",
    /^etcd has ended: its data in ".*\/etcd\/data" is damaged \(failed to open database: invalid database\): if this is the only member, restore it from a copy/,
  );
  assert.deepEqual(await Deno.readFile(database), garbage);
});

Deno.test("consensus refuses to start without its data or its key, and names what is missing", async () => {
  await using folders = await nodeFolders();
  {
    await using started = await startEtcdNode(folders);
    await started.node.ready;
  }
  for (
    const missing of [
      "etcd/peer-pki/key.pem",
      "etcd/data",
      "etcd/data/member/wal",
    ]
  ) {
    const path = `${folders.data}/${missing}`;
    await Deno.rename(path, `${folders.data}/etcd/away`);
    const started = await startEtcdNode(folders);
    await assert.rejects(started.node.finished, (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, new RegExp(`"${path}"`));
      return true;
    });
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    await Deno.rename(`${folders.data}/etcd/away`, path);
  }
  await using again = await startEtcdNode(folders);
  await again.node.ready;
});

Deno.test("consensus starts without its revocation list, which comes back", async () => {
  await using folders = await nodeFolders();
  {
    await using started = await startEtcdNode(folders);
    await started.node.ready;
  }
  const path = `${folders.data}/etcd/peer-crl/crl.der`;
  const list = await Deno.readFile(path);
  await Deno.remove(path);
  await using again = await startEtcdNode(folders);
  await again.node.ready;
  assert.deepEqual(await Deno.readFile(path), list);
  assert.ok(again.log.some((line) => line.includes("revocation list")));
});

Deno.test("consensus refuses a program that is not etcd, or too old", async () => {
  await using folders = await nodeFolders();
  const program = `${folders.config}.etcd`;
  for (
    const [output, problem] of [
      ["etcd Version: 3.3.27", /etcd 3\.3\.27: it is too old/],
      ["nothing of that kind", /another one, since .*"nothing of that kind"/],
    ] as const
  ) {
    await Deno.writeTextFile(program, `#!/bin/sh\necho "${output}"\n`, {
      mode: 0o755,
    });
    const started = await startEtcdNode(folders, {
      programs: { etcd: program },
    });
    await assert.rejects(started.node.finished, problem);
  }
});

Deno.test("consensus is not ready while etcd has an alarm, which its status shows", async () => {
  await using folders = await nodeFolders();
  await Deno.writeTextFile(
    folders.config,
    JSON.stringify({ plugins: { consensus: { backendQuota: 1_000_000 } } }),
  );
  await using started = await startEtcdNode(folders, {
    config: folders.config,
  });
  await started.node.ready;
  const store = await started.node.use(kv, signal);
  const value = new Uint8Array(100_000);
  const full = async () => {
    for (let n = 0;; n++) await store.put({ key: `/a/${n}`, value });
  };
  await assert.rejects(full(), { code: "resource-exhausted" });
  const { reason } = await started.consensus(({ state }) =>
    state === "unready"
  );
  assert.match(reason ?? "", /alarm NOSPACE/);
  const client = await started.node.use(cluster, signal);
  const { members: [self] } = await client.members({});
  assert.deepEqual((await client.status({})).alarms, [
    { kind: "no-space", memberId: self?.id },
  ]);
  const { warnings } = await started.node.status();
  assert.ok(warnings.some((warning) => warning.includes("no-space")));

  await store.delete({ prefix: "/a/" });
  const { revision } = await store.range({ key: "/a/" });
  await etcdctl(started.endpoint, "compact", "--physical", String(revision));
  await etcdctl(started.endpoint, "defrag");
  await etcdctl(started.endpoint, "alarm", "disarm");
  await started.consensus(({ state }) => state === "ready");
});

/** Takes a port whose owner was just killed. */
async function listenOnceFree(port: number): Promise<Deno.Listener> {
  for (;;) {
    try {
      return Deno.listen({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
