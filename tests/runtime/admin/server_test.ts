import assert from "node:assert/strict";
import { once } from "node:events";
import { dirname } from "node:path";
import v8 from "node:v8";
import vm from "node:vm";
import { AdminClient } from "../../../runtime/admin/client.ts";
import {
  AdminSocketError,
  NoNodeError,
} from "../../../runtime/admin/errors.ts";
import { serveAdmin } from "../../../runtime/admin/server.ts";
import { FolderLock } from "../../../runtime/node/folder_lock.ts";
import { ServiceError } from "../../../runtime/service/errors.ts";
import { ca } from "../../../runtime/services/ca.ts";
import { cluster } from "../../../runtime/services/cluster.ts";
import { kv } from "../../../runtime/services/kv.ts";
import { membership } from "../../../runtime/services/membership.ts";
import { createTarget, provide, refuse } from "./test_target.ts";

/** A served target, its client and its socket; all gone afterwards. */
async function serve() {
  const folder = await Deno.makeTempDir({ prefix: "hamlet-admin-" });
  const path = `${folder}/hamlet.sock`;
  const target = createTarget();
  const server = await serveAdmin(path, target);
  const client = new AdminClient(path);
  return {
    path,
    target,
    server,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server.stop();
      target[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Sends bytes as they are and reads until the other end closes, or `until` has come. */
async function raw(
  path: string,
  text: string,
  until = "\r\n\r\n",
): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(text));
  const decoder = new TextDecoder();
  let answer = "";
  for await (const chunk of connection.readable) {
    answer += decoder.decode(chunk, { stream: true });
    if (answer.includes(until)) break;
  }
  return answer;
}

/** Bytes on the heap that something still refers to. */
function heapUsed(): number {
  v8.setFlagsFromString("--expose-gc");
  vm.runInNewContext("gc()");
  return Deno.memoryUsage().heapUsed;
}

function curl(path: string, ...args: string[]) {
  return new Deno.Command("curl", {
    args: ["--silent", "--unix-socket", path, ...args],
  }).output().then(({ stdout }) => new TextDecoder().decode(stdout));
}

function post(path: string, route: string, body: string): Promise<string> {
  return curl(
    path,
    "--write-out",
    " %{http_code}",
    "--data-binary",
    body,
    `http://hamlet/v1/services/${route}`,
  );
}

Deno.test("serveAdmin() makes a socket that only its owner can open", async () => {
  await using node = await serve();
  const { mode, isSocket } = await Deno.stat(node.path);
  assert.equal(isSocket, true);
  assert.equal((mode ?? 0) & 0o777, 0o700);
  const umask = Deno.umask();
  assert.notEqual(umask, 0o077);
});

Deno.test("serveAdmin() removes its socket when it is stopped", async () => {
  await using node = await serve();
  await node.server.stop();
  await assert.rejects(Deno.lstat(node.path), Deno.errors.NotFound);
});

Deno.test("serveAdmin() takes over what a dead node left, and nothing else", async () => {
  await using node = await serve();
  await assert.rejects(
    serveAdmin(node.path, node.target),
    (error) =>
      error instanceof AdminSocketError &&
      /another node is listening there/.test(error.message),
  );
  assert.equal((await node.client.status()).ready, true);

  const stale = `${node.path}.stale`;
  const made = await new Deno.Command("python3", {
    args: [
      "-c",
      "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])",
      stale,
    ],
  }).output();
  assert.equal(made.code, 0);
  const second = await serveAdmin(stale, node.target);
  await second.stop();

  const file = `${node.path}.file`;
  await Deno.writeTextFile(file, "precious");
  await assert.rejects(
    serveAdmin(file, node.target),
    /something else than a socket/,
  );
  assert.equal(await Deno.readTextFile(file), "precious");
});

Deno.test("serveAdmin() makes its socket again when it was removed, and goes on for who is connected", async () => {
  await using node = await serve();
  const end = new AbortController();
  const watching = node.client.watchStatus(end.signal);
  await watching.next();
  using changes = Deno.watchFs(dirname(node.path));
  await Deno.remove(node.path);
  for await (const { kind, paths } of changes) {
    if (kind === "create" && paths.includes(node.path)) break;
  }
  assert.equal(((await Deno.stat(node.path)).mode ?? 0) & 0o777, 0o700);
  using client = new AdminClient(node.path);
  assert.equal((await client.status()).ready, true);
  assert.match(node.target.lines.join(""), /was gone and has been made again/);

  node.target.current = { ...node.target.current, ready: false };
  node.target.change();
  assert.equal((await watching.next()).value?.ready, false);
  end.abort();
  await watching.return(undefined);
  await node.server.stop();
  await assert.rejects(Deno.lstat(node.path), Deno.errors.NotFound);
});

Deno.test("GET /v1/status answers curl", async () => {
  await using node = await serve();
  const text = await curl(node.path, "http://hamlet/v1/status");
  assert.deepEqual(JSON.parse(text), node.target.current);
});

Deno.test("GET /v1/status?watch tells of every change, and forgets a reader that leaves", async () => {
  await using node = await serve();
  const end = new AbortController();
  const seen: boolean[] = [];
  for await (const status of node.client.watchStatus(end.signal)) {
    seen.push(status.ready);
    if (seen.length === 3) break;
    node.target.current = { ...node.target.current, ready: !status.ready };
    node.target.change();
  }
  assert.deepEqual(seen, [true, false, true]);

  // A reader that leaves while nothing happens.
  const reader = await Deno.connect({ transport: "unix", path: node.path });
  await reader.write(
    new TextEncoder().encode(
      "GET /v1/status?watch HTTP/1.1\r\nHost: hamlet\r\n\r\n",
    ),
  );
  await reader.read(new Uint8Array(1000));
  assert.equal(node.target.listeners.size > 0, true);
  reader.close();
  while (node.target.listeners.size > 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  end.abort();
});

Deno.test("GET /v1/logs answers the latest lines of a subtree, then what follows", async () => {
  await using node = await serve();
  node.target.node.logger("root.a").info("One");
  node.target.node.logger("root.b").info("Two");
  node.target.node.logger("root.a.c").info("Three", { n: 3 });
  const end = new AbortController();
  const seen: unknown[] = [];
  const lines = node.client.logs(
    { dn: "root.a", limit: 1, follow: true },
    end.signal,
  );
  for await (const line of lines) {
    assert.ok("message" in line);
    seen.push(line.message);
    if (seen.length === 2) break;
    node.target.node.logger("root.b").info("Four");
    node.target.node.logger("root.a").info("Five");
  }
  assert.deepEqual(seen, ["Three", "Five"]);
  const all = await Array.fromAsync(node.client.logs({}, end.signal));
  assert.equal(all.length, 5);
});

Deno.test("GET /v1/logs?follow does not grow with a reader that has stopped", async () => {
  await using node = await serve();
  const reader = await Deno.connect({ transport: "unix", path: node.path });
  await reader.write(
    new TextEncoder().encode(
      "GET /v1/logs?follow HTTP/1.1\r\nHost: hamlet\r\n\r\n",
    ),
  );
  await reader.read(new Uint8Array(1000));
  const log = node.target.node.logger("root.a");
  const before = heapUsed();
  for (let i = 0; i < 20_000; i++) {
    log.info("x".repeat(1000));
    node.target.lines.length = 0;
    if (i % 1000 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  // The others are served meanwhile.
  assert.equal((await node.client.status()).ready, true);
  const grown = heapUsed() - before;
  assert.ok(grown < 8 * 1024 * 1024, `grown by ${grown} bytes`);
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of reader.readable) {
    text += decoder.decode(chunk, { stream: true });
    if (/"dropped":\d{3,}/.test(text)) break;
  }
});

Deno.test("POST /v1/services carries bytes both ways and connects once", async () => {
  await using node = await serve();
  const stored = new Map<string, Uint8Array>();
  provide(node.target, "kv", {
    put({ key, value }: { key: string; value: Uint8Array }) {
      stored.set(key, value);
      return Promise.resolve({ revision: 7 });
    },
    range: ({ key }: { key: string }) =>
      Promise.resolve({
        kvs: [{
          key,
          value: stored.get(key),
          createRevision: 7,
          modRevision: 7,
          version: 1,
        }],
        more: false,
        revision: 7,
      }),
  });
  const value = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(
    await node.client.call(kv, "put", { key: "/a", value }),
    { revision: 7 },
  );
  const { kvs: [found] } = await node.client.call(kv, "range", { key: "/a" });
  assert.deepEqual(found?.value, value);
  assert.equal(
    await post(node.path, "kv/put", '{"key":"/b","value":{"$bytes":"aGk="}}'),
    '{"revision":7}\n 200',
  );
  assert.deepEqual(stored.get("/b"), new TextEncoder().encode("hi"));
  assert.equal(node.target.connections, 1);
});

Deno.test("POST /v1/services connects again once a provider is gone", async () => {
  await using node = await serve();
  const members = () => Promise.resolve({ members: [] });
  provide(node.target, "cluster", { members }).abort();
  provide(node.target, "cluster", { members });
  await node.client.call(cluster, "members", {});
  node.target.services.get("cluster")?.gone.abort();
  provide(node.target, "cluster", { members });
  await node.client.call(cluster, "members", {});
  assert.equal(node.target.connections, 2);
});

Deno.test("POST /v1/services logs what changes something, without its bytes", async () => {
  await using node = await serve();
  provide(node.target, "kv", {
    put: () => Promise.resolve({ revision: 1 }),
    delete: () => refuse("unavailable", "etcd is down"),
    range: () => Promise.resolve({ kvs: [], more: false, revision: 1 }),
  });
  await node.client.call(kv, "range", { key: "/a" });
  await node.client.call(kv, "put", {
    key: "/a",
    value: new TextEncoder().encode("secret"),
  });
  await assert.rejects(
    node.client.call(kv, "delete", { key: "/a" }),
    (error) => error instanceof ServiceError && error.code === "unavailable",
  );
  assert.deepEqual(
    node.target.node.history.recent("root.audit").map((
      { message, properties },
    ) => [message, properties]),
    [
      ["Admin called kv.put: done", {
        input: { key: "/a", value: "[6 bytes]" },
      }],
      ["Admin called kv.delete: unavailable", { input: { key: "/a" } }],
    ],
  );
});

Deno.test("POST /v1/services logs when a stream that changes something starts, and how it ends", async () => {
  await using node = await serve();
  provide(node.target, "membership", {
    async *remove(
      { node: name }: { node: string },
      { signal }: { signal: AbortSignal },
    ) {
      yield await Promise.resolve({ step: "asked", done: false });
      if (name === "two") refuse("failed-precondition", "No majority");
      if (name === "three") await once(signal, "abort");
      yield { step: "removed", done: true };
    },
  });
  const remove = (name: string) =>
    node.client.stream(
      membership,
      "remove",
      { node: name },
      new AbortController().signal,
    );
  await Array.fromAsync(remove("one"));
  await assert.rejects(Array.fromAsync(remove("two")), /No majority/);
  for await (const _step of remove("three")) break;
  const audited = () =>
    node.target.node.history.recent("root.audit").map(({ message }) => message);
  // The server hears of who has left when the connection says so.
  while (audited().length < 6) await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual(
    audited(),
    ["started", "done", "started", "failed-precondition", "started", "canceled"]
      .map((outcome) => `Admin called membership.remove: ${outcome}`),
  );
});

Deno.test("POST /v1/services streams items, then the error that ended them", async () => {
  await using node = await serve();
  let ended = false;
  provide(node.target, "kv", {
    async *watch(_input: unknown, { signal }: { signal: AbortSignal }) {
      try {
        yield { kind: "snapshot", revision: 1, kvs: [] };
        if (ended) refuse("unavailable", "etcd is gone");
        await new Promise((resolve) =>
          signal.addEventListener("abort", resolve)
        );
      } finally {
        ended = true;
      }
    },
  });
  const end = new AbortController();
  for await (
    const item of node.client.stream(kv, "watch", { key: "/a" }, end.signal)
  ) {
    assert.deepEqual(item, { kind: "snapshot", revision: 1, kvs: [] });
    end.abort();
  }
  while (!ended) await new Promise((resolve) => setTimeout(resolve, 5));

  const { signal } = new AbortController();
  const stream = node.client.stream(kv, "watch", { key: "/a" }, signal);
  assert.equal((await stream.next()).done, false);
  await assert.rejects(stream.next(), /etcd is gone/);
});

Deno.test("POST /v1/services refuses what is not a call, and says why", async () => {
  await using node = await serve();
  provide(node.target, "ca", {});
  for (
    const [route, body, status, message] of [
      ["ca/revoke", "{", 400, /Cannot read the body as JSON/],
      ["ca/revoke", '{"name":1}', 400, /The body is not what is wanted/],
      ["ca/issue", '{"authority":"x"}', 400, /authority/],
      ["ca/nope", "{}", 404, /no method \\"nope\\"/],
      ["ca/constructor", "{}", 404, /no method/],
      ["process/run", "{}", 404, /no method/],
      ["kv/put", '{"key":"/a","value":{"$bytes":"%"}}', 400, /as JSON/],
      ["kv/put", "[".repeat(100_000), 400, /as JSON/],
      ["ca/list", "\xff\xfe", 400, /as JSON/],
    ] as const
  ) {
    const answer = await post(node.path, route, body);
    assert.ok(answer.endsWith(` ${status}`), `${route} ${answer}`);
    assert.match(answer, message);
  }
  const big = await Deno.makeTempFile();
  await Deno.writeTextFile(big, `{"name":"${"x".repeat(5 * 1024 * 1024)}"}`);
  assert.match(await post(node.path, "ca/revoke", `@${big}`), /429$/);
  await Deno.remove(big);
  assert.match(
    await curl(node.path, "http://hamlet/v1/plugins", "--request", "PUT"),
    /PUT is not possible here, GET is/,
  );
  assert.match(await curl(node.path, "http://hamlet/etc"), /not-found/);
});

Deno.test("POST /v1/services says who is waited for where nobody provides it", async () => {
  await using node = await serve();
  await assert.rejects(
    node.client.call(ca, "list", {}),
    (error) =>
      error instanceof ServiceError && error.code === "unavailable" &&
      /Nobody provides service "ca" for now/.test(error.message),
  );
});

Deno.test("POST /v1/services refuses at once what only other nodes have", async () => {
  await using node = await serve();
  const nothing = { read: [], write: [], net: [], env: [], sys: [] };
  node.target.plugins = () => [{
    name: "consensus",
    module: "file:///consensus.ts",
    loaded: false,
    isolation: "worker",
    roles: ["member"],
    permissions: nothing,
    provides: ["kv"],
    uses: [],
  }];
  await assert.rejects(
    node.client.call(kv, "range", { key: "/a" }),
    (error) =>
      error instanceof ServiceError && error.code === "failed-precondition" &&
      /does not run plugin "consensus".*"kv"; run the command on a member/
        .test(error.message),
  );
});

Deno.test("serveAdmin() goes on after garbage", async () => {
  await using node = await serve();
  for (
    const garbage of [
      "\0\0\0\0\r\n\r\n",
      "GET\r\n\r\n",
      "GET /v1/status HTTP/9.9\r\n\r\n",
      `GET /${"x".repeat(1_000_000)} HTTP/1.1\r\nHost: h\r\n\r\n`,
      `GET /v1/status HTTP/1.1\r\n${"X: y\r\n".repeat(50_000)}\r\n`,
      "POST /v1/services/kv/put HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
      "POST /v1/services/kv/put HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
      "GET /v1/logs?limit=-1 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET //[ HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /v1/status HTTP/1.1\r\nHost: [\r\n\r\n",
    ]
  ) {
    await raw(node.path, garbage).catch(() => {});
  }
  assert.equal((await node.client.status()).ready, true);
  assert.deepEqual(node.target.lines, []);
});

Deno.test("stop() does not wait for a reader that does not read", async () => {
  await using node = await serve();
  for (let i = 0; i < 1000; i++) {
    node.target.node.logger("root").info("x".repeat(1500));
  }
  const reader = await Deno.connect({ transport: "unix", path: node.path });
  await reader.write(
    new TextEncoder().encode(
      "GET /v1/logs?follow HTTP/1.1\r\nHost: hamlet\r\n\r\n",
    ),
  );
  await reader.read(new Uint8Array(10));
  const start = performance.now();
  await node.server.stop();
  assert.ok(performance.now() - start < 3000);
  await assert.rejects(Deno.lstat(node.path), Deno.errors.NotFound);
  reader.close();
});

Deno.test("AdminClient says that no node runs, or what else is in the way", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hamlet-admin-" });
  using client = new AdminClient(`${folder}/hamlet.sock`);
  await assert.rejects(
    client.status(),
    (error) =>
      error instanceof NoNodeError &&
      error.message.startsWith(
        `No node is running here: there is no "${folder}/hamlet.sock"; `,
      ),
  );
  {
    using _lock = await FolderLock.take(folder);
    await assert.rejects(
      client.status(),
      (error) =>
        error instanceof NoNodeError &&
        error.message.startsWith(
          `A node runs here, process ${Deno.pid}, but there is no "${folder}/hamlet.sock": `,
        ),
    );
  }
  await Deno.remove(folder, { recursive: true });
});
