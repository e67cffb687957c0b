import assert from "node:assert/strict";
import { BootstrapGate } from "../../../plugins/consensus/bootstrap_gate.ts";
import { startEtcd } from "../../support/etcd.ts";
import { bytes, serveKv } from "./harness.ts";

const founder = { keys: ["/ca/"], founder: true };
const commit = {
  compare: [{
    key: "/ca/1",
    target: "create" as const,
    is: "=" as const,
    than: 0,
  }],
  success: [{ put: { key: "/ca/1", value: bytes("x") } }],
};

Deno.test("BootstrapGate serves nobody but the founder until it opens", async () => {
  await using etcd = await startEtcd();
  const gate = new BootstrapGate({ record: () => Promise.resolve() });
  await using store = serveKv(etcd.socket, {
    guard: (inner) => gate.guard(inner),
  });
  const other = store.user([""]);
  let served = 0;
  const count = () => served++;
  const waiting = [
    other.range({ key: "/ca/1" }).then(count),
    other.put({ key: "/b", value: bytes("x") }).then(count),
    other.delete({ key: "/c" }).then(count),
    other.txn({ success: [] }).then(count),
    other.watch({ key: "/b" }).next().then(count),
    other.lease({ ttl: 5 }).next().then(count),
  ];
  const first = store.user(founder, "ca");
  assert.equal(
    (await first.range({ prefix: "/" }).catch((e) => e)).code,
    "not-permitted",
  );
  await first.range({ key: "/ca/1" });
  await first.put({ key: "/ca/0", value: bytes("x") });
  await first.txn(commit);
  assert.equal(served, 0);
  gate.open();
  await Promise.all(waiting);
});

Deno.test("BootstrapGate refuses calls that waited too long, and ends streams that are given up", async () => {
  await using etcd = await startEtcd();
  const gate = new BootstrapGate({
    record: () => Promise.resolve(),
    deadline: 100,
  });
  await using store = serveKv(etcd.socket, {
    guard: (inner) => gate.guard(inner),
  });
  const other = store.user([""]);
  await assert.rejects(other.range({ key: "/a" }), { code: "unavailable" });
  const watch = other.watch({ key: "/a" });
  const item = watch.next();
  await watch.return?.();
  assert.ok((await item).done);
});

Deno.test("BootstrapGate records the founder's first transaction that succeeds before it answers", async () => {
  await using etcd = await startEtcd();
  const recorded = Promise.withResolvers<void>();
  let records = 0;
  const gate = new BootstrapGate({
    record() {
      records += 1;
      return recorded.promise;
    },
  });
  await using store = serveKv(etcd.socket, {
    guard: (inner) => gate.guard(inner),
  });
  const first = store.user(founder, "ca");
  const failing = {
    compare: [{
      key: "/ca/1",
      target: "create" as const,
      is: ">" as const,
      than: 0,
    }],
  };
  assert.ok(!(await first.txn(failing)).succeeded);
  assert.ok(gate.nothing);
  let answered = false;
  const answer = first.txn(commit).then(() => answered = true);
  const watch = first.watch({ key: "/ca/1" });
  for (let there = 0; there === 0;) {
    const { value } = await watch.next();
    there = value?.kind === "snapshot" ? value.kvs.length : 1;
  }
  await watch.return?.();
  while (records === 0) await first.range({ key: "/ca/1" });
  assert.ok(!gate.nothing);
  assert.ok(!answered);
  recorded.resolve();
  await answer;
  await first.txn({ success: [] });
  assert.equal(records, 1);
});

Deno.test("BootstrapGate has nothing worth keeping until that could be recorded", async () => {
  await using etcd = await startEtcd();
  let tries = 0;
  const gate = new BootstrapGate({
    async record() {
      tries += 1;
      await Promise.resolve();
      if (tries === 1) throw new Error("The disk is full");
    },
  });
  await using store = serveKv(etcd.socket, {
    guard: (inner) => gate.guard(inner),
  });
  const first = store.user(founder, "ca");
  await assert.rejects(first.txn(commit), /The disk is full/);
  assert.ok(gate.nothing);
  await first.txn({ success: commit.success });
  assert.ok(!gate.nothing);
  assert.equal(tries, 2);
});
