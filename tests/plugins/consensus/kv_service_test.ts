import assert from "node:assert/strict";
import { MAX_VALUE_BYTES, ServiceError } from "../../../mod.ts";
import { startEtcd } from "../../support/etcd.ts";
import { tempFolder } from "../../support/temp.ts";
import { bytes, etcdctl, serveKv, text } from "./harness.ts";

const withCode = (code: string) => (error: unknown) => {
  assert.ok(error instanceof ServiceError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

Deno.test("kv reads, writes and deletes as etcd does", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const first = await user.put({ key: "/a/1", value: bytes("one") });
  const second = await user.put({ key: "/a/1", value: bytes("two") });
  await user.put({ key: "/a/2", value: new Uint8Array() });
  assert.equal(second.revision, first.revision + 1);
  assert.deepEqual(await user.range({ key: "/a/1" }), {
    kvs: [{
      key: "/a/1",
      value: bytes("two"),
      createRevision: first.revision,
      modRevision: second.revision,
      version: 2,
    }],
    more: false,
    revision: second.revision + 1,
  });
  assert.equal((await user.range({ key: "/a/3" })).kvs.length, 0);
  assert.equal(
    await etcdctl(etcd.endpoint, "get", "--print-value-only", "/a/1"),
    "two\n",
  );
  const { deleted } = await user.delete({ prefix: "/a/" });
  assert.equal(deleted, 2);
  assert.equal((await user.delete({ key: "/a/1" })).deleted, 0);
});

Deno.test("kv.range() pages through a prefix in byte order", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const keys = [
    "/a/",
    "/a/1",
    "/a/1/2",
    "/a/10",
    "/a/2",
    "/a/é",
    "/a/\u{10ffff}",
  ];
  for (const key of keys.toReversed()) {
    await user.put({ key, value: bytes(key) });
  }
  const seen: string[] = [];
  for (let from = "/a/", more = true; more;) {
    const page = await user.range({ prefix: "/a/", from, limit: 2 });
    assert.ok(page.kvs.length <= 2);
    seen.push(...page.kvs.map(({ key }) => key));
    more = page.more;
    from = `${seen.at(-1)}\0`;
  }
  assert.deepEqual(seen, keys);
  const { kvs } = await user.range({ prefix: "/a/1", keysOnly: true });
  assert.deepEqual(kvs.map(({ key, value }) => [key, value.length]), [
    ["/a/1", 0],
    ["/a/1/2", 0],
    ["/a/10", 0],
  ]);
  await assert.rejects(
    user.range({ prefix: "/a/", from: "/" }),
    withCode("invalid-argument"),
  );
});

Deno.test("kv.txn() applies one branch at one revision, and answers its ranges in order", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const create = {
    compare: [{ key: "/a/1", target: "create", is: "=", than: 0 }],
    success: [
      { put: { key: "/a/1", value: bytes("one") } },
      { put: { key: "/a/2", value: bytes("two") } },
      { range: { prefix: "/a/" } },
    ],
    failure: [{ range: { key: "/a/1" } }, { range: { key: "/a/none" } }],
  } as const;
  const made = await user.txn({
    ...create,
    compare: [...create.compare],
    success: [...create.success],
    failure: [...create.failure],
  });
  assert.ok(made.succeeded);
  assert.deepEqual(
    made.ranges.map((kvs) =>
      kvs.map(({ key, modRevision }) => [key, modRevision])
    ),
    [[["/a/1", made.revision], ["/a/2", made.revision]]],
  );
  const again = await user.txn({
    ...create,
    compare: [...create.compare],
    success: [...create.success],
    failure: [...create.failure],
  });
  assert.ok(!again.succeeded);
  assert.deepEqual(
    again.ranges.map((kvs) => kvs.map(({ value }) => text(value))),
    [["one"], []],
  );
});

Deno.test("kv.txn() compares every target in every way", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const { revision } = await user.put({ key: "/a/1", value: bytes("m") });
  const holds = async (
    target: "create" | "mod" | "version",
    is: "=" | "!=" | "<" | ">",
    than: number,
  ) =>
    (await user.txn({ compare: [{ key: "/a/1", target, is, than }] }))
      .succeeded;
  for (
    const [target, value] of [
      ["create", revision],
      ["mod", revision],
      ["version", 1],
    ] as const
  ) {
    for (const difference of [-1, 0, 1]) {
      const than = value + difference;
      assert.equal(await holds(target, "=", than), difference === 0);
      assert.equal(await holds(target, "!=", than), difference !== 0);
      assert.equal(await holds(target, "<", than), difference > 0);
      assert.equal(await holds(target, ">", than), difference < 0);
    }
  }
  for (const value of ["l", "m", "n"]) {
    for (const is of ["=", "!="] as const) {
      const { succeeded } = await user.txn({
        compare: [{ key: "/a/1", target: "value", is, than: bytes(value) }],
      });
      assert.equal(succeeded, (value === "m") === (is === "="));
    }
  }
});

Deno.test("kv keeps two scopes apart whose names begin alike", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const foo = store.user(["/foo/"], "foo");
  const bar = store.user(["/foobar"], "bar");
  await foo.put({ key: "/foo/secret", value: bytes("of foo") });
  await bar.put({ key: "/foobar", value: bytes("of bar") });

  const refused = withCode("not-permitted");
  const value = bytes("taken");
  for (const key of ["/foo", "/foobar", "/foobar/", "/fop", "/", "foo/"]) {
    await assert.rejects(foo.range({ key }), refused);
    await assert.rejects(foo.range({ prefix: key }), refused);
    await assert.rejects(foo.put({ key, value }), refused);
    await assert.rejects(foo.delete({ key }), refused);
    await assert.rejects(foo.delete({ prefix: key }), refused);
    await assert.rejects(foo.watch({ key }).next(), refused);
    await assert.rejects(foo.watch({ prefix: key }).next(), refused);
  }
  for (
    const key of ["/foo/", "/foo/secret", "/foobar/", "/foobarbaz", "/foo"]
  ) {
    await assert.rejects(bar.range({ key }), refused);
    await assert.rejects(bar.put({ key, value }), refused);
    await assert.rejects(bar.watch({ key }).next(), refused);
  }
  // A prefix reaches further than the key of the same name.
  await assert.rejects(bar.range({ prefix: "/foobar" }), refused);
  await assert.rejects(bar.delete({ prefix: "/foobar" }), refused);
  await assert.rejects(bar.watch({ prefix: "/foobar" }).next(), refused);
  await assert.rejects(
    foo.range({ prefix: "/foo/", from: "/f" }),
    withCode("invalid-argument"),
  );

  const { kvs } = await foo.range({ prefix: "/foo/" });
  assert.deepEqual(kvs.map(({ key }) => key), ["/foo/secret"]);
  assert.equal(
    await etcdctl(etcd.endpoint, "get", "--prefix", "/"),
    "/foo/secret\nof foo\n/foobar\nof bar\n",
  );
});

Deno.test("kv.txn() refuses a transaction whole that names one key outside", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const inside = { put: { key: "/a/1", value: bytes("x") } };
  const outside = { key: "/b" };
  const refused = withCode("not-permitted");
  const attempts: Parameters<typeof user.txn>[0][] = [
    { success: [inside, { put: { ...outside, value: bytes("x") } }] },
    { success: [inside], failure: [{ range: outside }] },
    { success: [inside, { delete: outside }] },
    { success: [inside, { delete: { prefix: "/" } }] },
    { success: [inside, { range: { prefix: "/a" } }] },
    {
      compare: [{ ...outside, target: "create", is: "=", than: 0 }],
      success: [inside],
    },
    {
      compare: [{ ...outside, target: "value", is: "!=", than: bytes("x") }],
      success: [inside],
    },
  ];
  for (const attempt of attempts) {
    await assert.rejects(user.txn(attempt), refused);
  }
  assert.equal(await etcdctl(etcd.endpoint, "get", "--prefix", "/"), "");
});

Deno.test("kv lets a reader read and watch, and nothing else", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const reader = store.user({ keys: ["/a/"], access: "read" });
  const writer = store.user(["/a/"], "writer");
  await writer.put({ key: "/a/1", value: bytes("one") });
  assert.equal((await reader.range({ key: "/a/1" })).kvs.length, 1);
  assert.ok(!(await reader.watch({ prefix: "/a/" }).next()).done);
  const refused = withCode("not-permitted");
  await assert.rejects(reader.put({ key: "/a/1", value: bytes("") }), refused);
  await assert.rejects(reader.delete({ key: "/a/1" }), refused);
  await assert.rejects(
    reader.txn({ success: [{ range: { key: "/a/1" } }] }),
    refused,
  );
  await assert.rejects(reader.lease({ ttl: 5 }).next(), refused);
});

Deno.test("kv holds a caller to its quota, and others are not touched by it", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user({ keys: ["/a/"], quota: 1_000 }, "small");
  const full = withCode("resource-exhausted");
  const value = new Uint8Array(300);
  for (const name of ["1", "2", "3"]) {
    await user.put({ key: `/a/${name}`, value });
  }
  await assert.rejects(user.put({ key: "/a/4", value }), full);
  await assert.rejects(
    user.txn({ success: [{ put: { key: "/a/4", value } }] }),
    full,
  );
  await store.user({ keys: ["/b/"] }, "other").put({ key: "/b/1", value });
  // What is replaced or deleted makes room.
  await user.delete({ key: "/a/1" });
  await user.put({ key: "/a/4", value });
  await user.put({ key: "/a/4", value: new Uint8Array(1) });
  await user.put({ key: "/a/5", value });
  await assert.rejects(user.put({ key: "/a/6", value }), full);
});

Deno.test("kv bounds what etcd remembers of keys that are written over and over", async () => {
  const quota = 24 * 1024 * 1024;
  await using etcd = await startEtcd({
    args: ["--quota-backend-bytes", String(quota)],
  });
  await using store = serveKv(etcd.socket, { history: 4 * 1024 * 1024 });
  const user = store.user(["/a/"]);
  const value = crypto.getRandomValues(new Uint8Array(65_536));
  for (let i = 0; i < 10; i++) {
    // More than twice the database's quota, all in all.
    await Promise.all(
      Array.from(
        { length: 100 },
        (_, n) => user.put({ key: `/a/${n % 4}`, value }),
      ),
    );
  }
  assert.equal(await etcdctl(etcd.endpoint, "alarm", "list"), "");
});

Deno.test("kv answers etcd's refusals with codes that a program may act on", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const put = { put: { key: "/a/1", value: bytes("x") } };
  await assert.rejects(
    user.txn({ success: [put, put] }),
    withCode("invalid-argument"),
  );
  await user.put({ key: "/a/1", value: new Uint8Array(MAX_VALUE_BYTES) });
  const value = new Uint8Array(800_000);
  const puts = ["/a/1", "/a/2"].map((key) => ({ put: { key, value } }));
  await assert.rejects(
    user.txn({ success: puts }),
    withCode("invalid-argument"),
  );
  await assert.rejects(
    user.put({ key: "/a/1", value: bytes("x"), lease: "7" }),
    withCode("not-found"),
  );
});

Deno.test("kv waits for an etcd that is away, and fails after its deadline", async () => {
  await using folder = await tempFolder();
  const socket = `${folder.path}/client.sock:0`;
  await using store = serveKv(socket, { deadline: 1_000 });
  const user = store.user(["/a/"]);
  const unavailable = withCode("unavailable");
  await assert.rejects(user.range({ key: "/a/1" }), unavailable);
  await assert.rejects(
    user.put({ key: "/a/1", value: bytes("x") }),
    unavailable,
  );
  await using patient = serveKv(socket, { deadline: 30_000 });
  const waiting = patient.user(["/a/"]).put({ key: "/a/1", value: bytes("x") });
  await using _etcd = await startEtcd({ folder: folder.path });
  await waiting;
});

Deno.test("kv loses no acknowledged write when etcd is killed, and applies none twice", async () => {
  await using folder = await tempFolder();
  await using store = serveKv(`${folder.path}/client.sock:0`, {
    deadline: 5_000,
  });
  const user = store.user(["/a/"]);
  const acknowledged = new Set<string>();
  let lost = 0;
  let n = 0;
  for (let round = 0; round < 3; round++) {
    await using etcd = await startEtcd({ folder: folder.path });
    const writers = Array.from({ length: 8 }, async () => {
      for (;;) {
        const key = `/a/${n++}`;
        try {
          await user.put({ key, value: bytes(key) });
          acknowledged.add(key);
          if (acknowledged.size > 200 * (round + 1)) return;
        } catch (error) {
          withCode("unavailable")(error);
          lost++;
          return;
        }
      }
    });
    let ended = false;
    void Promise.all(writers).then(() => ended = true);
    while (acknowledged.size < 100 + 200 * round) {
      assert.ok(!ended, "Nobody writes any more");
      await user.range({ key: "/a/0" });
    }
    Deno.kill(etcd.pid, "SIGKILL");
    await Promise.all(writers);
  }
  assert.ok(lost > 0);
  await using _etcd = await startEtcd({ folder: folder.path });
  const { kvs } = await user.range({ prefix: "/a/" });
  const stored = new Map(kvs.map(({ key, version }) => [key, version]));
  for (const key of acknowledged) assert.equal(stored.get(key), 1, key);
  for (const [key, version] of stored) assert.equal(version, 1, key);
});

Deno.test("kv.lease() keeps keys until the caller cancels, and gives them to nobody else", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const held = user.lease({ ttl: 2 });
  const { value } = await held.next();
  assert.ok(value);
  const { lease } = value;
  await user.put({ key: "/a/1", value: bytes("x"), lease });
  await assert.rejects(
    store.user(["/a/"], "other").put({ key: "/a/2", value: bytes("x"), lease }),
    withCode("not-found"),
  );
  const changes = user.watch({ key: "/a/1" });
  await changes.next();
  // Three times its life: it is kept alive though nobody reads on.
  const alive = Promise.withResolvers<void>();
  setTimeout(alive.resolve, 6_000);
  await alive.promise;
  assert.equal((await user.range({ key: "/a/1" })).kvs.length, 1);
  await held.return?.();
  const next = await changes.next();
  assert.ok(!next.done && next.value.kind === "events");
  assert.deepEqual(next.value.events.map(({ kind }) => kind), ["delete"]);
  await changes.return?.();
});

Deno.test("kv.lease() ends with an error once etcd let it expire", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const held = store.user(["/a/"]).lease({ ttl: 1 });
  const { value } = await held.next();
  assert.ok(value);
  await etcdctl(
    etcd.endpoint,
    "lease",
    "revoke",
    BigInt(value.lease).toString(16),
  );
  await assert.rejects(held.next(), withCode("failed-precondition"));
});
