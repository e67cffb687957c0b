import assert from "node:assert/strict";
import type { Client, kv, v, WatchEvent } from "../../../mod.ts";
import { startEtcd } from "../../support/etcd.ts";
import { tempFolder } from "../../support/temp.ts";
import { readMetrics } from "../../../plugins/consensus/metrics.ts";
import { bytes, etcdctl, serveKv, text } from "./harness.ts";

type Item = v.InferOutput<typeof kv.methods.watch.output>;
type Watch = ReturnType<Client<typeof kv>["watch"]>;

/** The next item, which there must be. */
async function next(watch: Watch): Promise<Item> {
  const { done, value } = await watch.next();
  assert.ok(!done);
  return value;
}

/** The next snapshot, as key and value. */
async function snapshot(watch: Watch): Promise<[string, string][]> {
  const item = await next(watch);
  assert.equal(item.kind, "snapshot");
  return item.kvs.map(({ key, value }) => [key, text(value)]);
}

/** Events until there are as many as wanted; each item's revisions are its own. */
async function events(watch: Watch, wanted: number): Promise<WatchEvent[]> {
  const all: WatchEvent[] = [];
  let seen = 0;
  while (all.length < wanted) {
    const item = await next(watch);
    assert.equal(item.kind, "events");
    const revisions = item.events.map(revisionOf);
    assert.ok(revisions.every((revision) => revision > seen));
    assert.deepEqual(revisions, revisions.toSorted((a, b) => a - b));
    assert.equal(item.revision, revisions.at(-1));
    seen = item.revision;
    all.push(...item.events);
  }
  assert.equal(all.length, wanted);
  return all;
}

function revisionOf(event: WatchEvent): number {
  return event.kind === "put" ? event.kv.modRevision : event.revision;
}

function describe(event: WatchEvent): string {
  return event.kind === "put"
    ? `${event.kv.key}=${text(event.kv.value)}`
    : `${event.key} deleted`;
}

/** An etcd that can be there without the store being able to reach it. */
class Reachable implements AsyncDisposable {
  readonly socket: string;
  readonly #folder: string;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(folder: string, cleanup: AsyncDisposableStack) {
    this.socket = `${folder}/door`;
    this.#folder = folder;
    this.#cleanup = cleanup;
  }

  static async create(): Promise<Reachable> {
    const cleanup = new AsyncDisposableStack();
    const folder = cleanup.use(await tempFolder());
    return new Reachable(folder.path, cleanup);
  }

  /** Starts etcd with the data of before. */
  async start() {
    return await startEtcd({ folder: this.#folder });
  }

  /** Lets the store reach etcd. */
  async open(): Promise<void> {
    await Deno.symlink("client.sock:0", this.socket);
  }

  /** Keeps the store from reaching the next etcd. */
  async close(): Promise<void> {
    await Deno.remove(this.socket);
  }

  /** Forgets the data. */
  async wipe(): Promise<void> {
    await Deno.remove(`${this.#folder}/data`, { recursive: true });
  }

  [Symbol.asyncDispose]() {
    return this.#cleanup.disposeAsync();
  }
}

Deno.test("kv.watch() gives what there is, then every change in order", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user([""]);
  for (const key of ["/a/1", "/a/2", "/ab", "/b"]) {
    await user.put({ key, value: bytes("0") });
  }
  const watch = user.watch({ prefix: "/a/" });
  const one = user.watch({ key: "/ab" });
  assert.deepEqual(await snapshot(watch), [["/a/1", "0"], ["/a/2", "0"]]);
  assert.deepEqual(await snapshot(one), [["/ab", "0"]]);
  await user.put({ key: "/ab", value: bytes("x") });
  await user.put({ key: "/a/1", value: bytes("1") });
  await user.delete({ key: "/a/2" });
  await user.put({ key: "/abc", value: bytes("x") });
  await user.put({ key: "/a/2", value: bytes("2") });
  assert.deepEqual(
    (await events(watch, 3)).map(describe),
    ["/a/1=1", "/a/2 deleted", "/a/2=2"],
  );
  assert.deepEqual((await events(one, 1)).map(describe), ["/ab=x"]);
  await watch.return?.();
  await one.return?.();
});

Deno.test("kv.watch() loses nothing that is written while it takes its snapshot", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  let written = 0;
  let writing = true;
  const writer = (async () => {
    while (writing) {
      await user.put({ key: "/a/n", value: bytes(String(++written)) });
    }
  })();
  await Promise.all(Array.from({ length: 20 }, async () => {
    const watch = user.watch({ key: "/a/n" });
    let last = Number((await snapshot(watch))[0]?.[1] ?? 0);
    for (let seen = 0; seen < 20;) {
      const item = await next(watch);
      assert.equal(item.kind, "events");
      for (const event of item.events) {
        assert.equal(describe(event), `/a/n=${++last}`);
        seen += 1;
      }
    }
    await watch.return?.();
  }));
  writing = false;
  await writer;
});

Deno.test("kv.watch() gives all changes of one revision together, however large", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const long = "x".repeat(4_000);
  const keys = Array.from({ length: 1_200 }, (_, n) => `/a/${n}${long}`);
  for (let start = 0; start < keys.length; start += 100) {
    await user.txn({
      success: keys.slice(start, start + 100).map((key) => ({
        put: { key, value: bytes("") },
      })),
    });
  }
  const watch = user.watch({ prefix: "/a/" });
  assert.equal((await snapshot(watch)).length, keys.length);
  // Five megabytes, which etcd sends in three parts.
  await user.delete({ prefix: "/a/" });
  await user.put({ key: "/a/", value: bytes("after") });
  const deleted = await next(watch);
  assert.equal(deleted.kind, "events");
  assert.equal(deleted.events.length, keys.length);
  assert.deepEqual((await events(watch, 1)).map(describe), ["/a/=after"]);
  await watch.return?.();
});

Deno.test("kv.watch() goes on where it was after etcd was killed", async () => {
  await using etcd = await Reachable.create();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  await etcd.open();
  const watch = user.watch({ prefix: "/a/" });
  {
    await using _first = await etcd.start();
    assert.deepEqual(await snapshot(watch), []);
    await user.put({ key: "/a/0", value: bytes("0") });
    assert.deepEqual((await events(watch, 1)).map(describe), ["/a/0=0"]);
  }
  await etcd.close();
  await using second = await etcd.start();
  // More than one message of what was missed: etcd splits at 2 MiB.
  const value = "v".repeat(60_000);
  for (let n = 0; n < 50; n++) {
    await etcdctl(second.endpoint, "put", `/a/${n}`, value);
  }
  await etcdctl(second.endpoint, "del", "/a/0");
  await etcd.open();
  const missed = await events(watch, 51);
  assert.deepEqual(missed.map(describe), [
    ...Array.from({ length: 50 }, (_, n) => `/a/${n}=${value}`),
    "/a/0 deleted",
  ]);
  await watch.return?.();
});

Deno.test("kv.watch() gives another snapshot when what it missed was compacted", async () => {
  await using etcd = await Reachable.create();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  await etcd.open();
  const watch = user.watch({ prefix: "/a/" });
  {
    await using first = await etcd.start();
    await snapshot(watch);
    await user.put({ key: "/a/1", value: bytes("1") });
    const { revision } = await user.put({ key: "/a/2", value: bytes("2") });
    await events(watch, 2);
    // What it has seen already may go.
    await etcdctl(first.endpoint, "compact", String(revision));
    await user.put({ key: "/a/2", value: bytes("3") });
    assert.deepEqual((await events(watch, 1)).map(describe), ["/a/2=3"]);
  }
  await etcd.close();
  {
    await using second = await etcd.start();
    await etcdctl(second.endpoint, "del", "/a/1");
    await etcdctl(second.endpoint, "put", "/a/3", "3");
    const status = await etcdctl(
      second.endpoint,
      "endpoint",
      "status",
      "--write-out=json",
    );
    const revision = status.match(/"revision":(\d+)/)?.[1];
    assert.ok(revision);
    await etcdctl(second.endpoint, "compact", "--physical", revision);
    await etcd.open();
    assert.deepEqual(await snapshot(watch), [["/a/2", "3"], ["/a/3", "3"]]);
    await user.put({ key: "/a/4", value: bytes("4") });
    assert.deepEqual((await events(watch, 1)).map(describe), ["/a/4=4"]);
  }
  await watch.return?.();
});

Deno.test("kv.watch() gives another snapshot of another store", async () => {
  await using etcd = await Reachable.create();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  await etcd.open();
  const watch = user.watch({ prefix: "/a/" });
  {
    await using _first = await etcd.start();
    await snapshot(watch);
    for (let n = 0; n < 10; n++) {
      await user.put({ key: "/a/1", value: bytes("old") });
    }
    await events(watch, 10);
  }
  await etcd.wipe();
  await using _second = await etcd.start();
  await user.put({ key: "/a/2", value: bytes("new") });
  const item = await next(watch);
  assert.equal(item.kind, "snapshot");
  if (item.kvs.length === 0) await events(watch, 1);
  else assert.deepEqual(item.kvs.map(({ key }) => key), ["/a/2"]);
  await watch.return?.();
});

Deno.test("kv.watch() leaves with etcd what its reader does not take", async () => {
  await using etcd = await startEtcd();
  await using store = serveKv(etcd.socket);
  const user = store.user(["/a/"]);
  const watch = user.watch({ key: "/a/1" });
  await snapshot(watch);
  const value = new Uint8Array(250_000);
  const slow = /^etcd_debugging_mvcc_slow_watcher_total ([1-9]\d*)$/m;
  let written = 0;
  while (!slow.test(await readMetrics(etcd.socket, 5_000))) {
    assert.ok(written < 2_000, "Everything was taken from etcd");
    await Promise.all(
      Array.from({ length: 20 }, () => user.put({ key: "/a/1", value })),
    );
    written += 20;
  }
  await events(watch, written);
  await watch.return?.();
});

Deno.test("kv.watch() ends at once when its reader does, also while etcd is away", async () => {
  await using etcd = await Reachable.create();
  await using store = serveKv(etcd.socket);
  const watch = store.user(["/a/"]).watch({ prefix: "/a/" });
  const waiting = watch.next();
  await watch.return?.();
  assert.ok((await waiting).done);
});
