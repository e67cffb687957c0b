import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { kv } from "../../mod.ts";
import type { AdminClient } from "../../runtime/admin/client.ts";
import type { Result, ServiceContext, Tries } from "./probe/attempt.ts";
import { deadly, final, noisy } from "./probe/deeds.ts";
import { makeDistribution } from "./probe/distribution.ts";
import { type Order, triesOf, type TriesOrder } from "./probe/suites.ts";
import { readKeys } from "./support/etcdctl.ts";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { processesOf } from "./support/processes_of.ts";
import { withManifest } from "./support/with_manifest.ts";

/** What a try may be refused with: anything else is a try that does not try what it says. */
const REFUSALS = [
  // Deno's permissions, as they are thrown here, by Node.js's modules, by loaders, and out of another Worker.
  /^NotCapable: /,
  /Requires \w+ access/,
  /getaddrinfo EPERM/,
  /^Error: It is denied: /,
  /^Error: too many attached databases - max 0/,
  // What is not there, in this version of Deno, in a Worker, or at all.
  /^Error: It (?:does not exist|did not run)/,
  /^Error: No such module: process_wrap/,
  /is not supported in workers/,
  /^NotSupportedError: Classic workers are not supported/,
  /^Error: Current thread is not a worker/,
  /^SyntaxError: Unexpected token '%'/,
  /npm package not found in cache/,
  // The broker, the services, and the contracts.
  /^ScopeError: Plugin "probe" may not /,
  /^(?:Service)?Error: (?:not-permitted: )?Plugin "probe" may not /,
  /^ServiceError: Cannot write with lease /,
  /^ServiceError: Cannot store \d+ bytes more/,
  /^ServiceError: Cannot read .* that does not start with the prefix/,
  /^ServiceError: Service "kv" cannot take this input/,
  /^(?:Service)?Error: (?:invalid-argument: )?Only plain data and bytes/,
  /^(?:Service)?Error: (?:resource-exhausted: )?A message may take \d+ bytes/,
  /^Error: not-found: Service "kv" has no method/,
  /^Error: The connection was closed/,
  /^Error: Nobody listens/,
  /^Error: Not permitted to look: a getter/,
  /^DataCloneError: /,
];

/** The lines of the log that say what a deadly deed was, by its name. */
const DEATHS: Readonly<Record<keyof typeof deadly, RegExp>> = {
  "log-of-another": /The plugin spoke for "root\.consensus", which it is not/,
  "state-of-another": /The plugin spoke for "root\.ca", which it is not/,
  "name-like-another": /The plugin told the host what no plugin tells/,
  "provider-of-ca":
    /may not provide service "ca": deno\.json would allow it with plugins\.saboteur-provider-of-ca\.provides: \["ca"\]/,
  "provider-of-kv":
    /may not provide service "kv": deno\.json would allow it with plugins\.saboteur-provider-of-kv\.provides: \["kv"\]/,
  "host-talk": /The plugin told the host what no plugin tells/,
  "no-talk": /The plugin told the host what no plugin tells/,
  "talk-without-end": /The plugin told the host what no plugin tells/,
  "exit": /The plugin wanted to end its thread/,
  "process-exit": /The plugin wanted to end its thread/,
  "close": /The plugin wanted to end its thread/,
  "unhandled-rejection": /Nobody awaits this/,
  "odd-error": /Uncaught Error/,
  "giant-error": /x{1000}… \[\d+ more\]/,
  "endless-recursion": /Maximum call stack size exceeded/,
  "denied-bind":
    /may not reach "0\.0\.0\.0:0": deno\.json would allow it with plugins\.saboteur-denied-bind\.permissions\.net: \["0\.0\.0\.0:0"\]/,
};

/** Whoever wants to know the names of tries alone. */
const nobody: ServiceContext = {
  dn: "root.probe",
  use: () => Promise.reject(new Error("Nobody uses services")),
  provide() {},
};

const builtIn = [
  "consensus",
  "ca",
  "crl",
  "autopromoter",
  "curator",
  "network",
  "hostsfile",
];

/** Megabytes of memory that a deed with 100 MB may take for a while: it crosses as one message, which is copied. */
const GIANT_MB = 600;
/** Megabytes that any other may. */
const ORDINARY_MB = 300;

Deno.test("a plugin gets nothing that it was not granted, whatever it does, and the node lives on", async (t) => {
  await using folders = await nodeFolders();
  await using granted = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("granted"),
  );
  await using closed = countConnections();
  const { manifest, code } = await makeProbes(folders, granted.addr.port);
  await using node = new NodeProcess(folders, {
    ...await withManifest(folders, manifest),
    env: { PROBE_GRANTED: "granted", PROBED_SECRET: "secret" },
  });
  await node.ready();
  using client = node.client();
  const own = `${folders.data}/probe`;
  await Deno.mkdir(own);
  let { files, folders: below } = await allBelow(folders, own);
  // Written last, up to a second after the node is ready.
  while (!files.includes(`${folders.data}/curator/cluster.json`)) {
    await delay(100);
    ({ files, folders: below } = await allBelow(folders, own));
  }
  for (
    const path of [
      "identity/key.pem",
      "ca/seal.key",
      "etcd/peer-pki/key.pem",
      "node.json",
    ]
  ) assert.ok(files.includes(`${folders.data}/${path}`), path);
  const secret = `${folders.data}/ca/seal.key`;
  const untouched = [
    secret,
    `${folders.data}/identity/key.pem`,
    manifest,
    ...code,
  ];
  const before = {
    files: await Promise.all(untouched.map((path) => Deno.readFile(path))),
    keys: await keysOfOthers(folders),
  };
  const etcd = (await processesOf(folders.data)).find(({ program }) =>
    program === "etcd"
  );
  assert.ok(etcd);
  const held = new AbortController();
  const leases = client.stream(kv, "lease", { ttl: 60 }, held.signal);
  const { value: lease } = await leases.next();
  assert.ok(lease);

  const controls: TriesOrder = {
    suite: "controls",
    targets: { own, port: granted.addr.port, variable: "PROBE_GRANTED" },
  };
  const orders: TriesOrder[] = [
    {
      suite: "files",
      targets: {
        files: [...files, manifest],
        code,
        folders: below,
        own,
        system: [
          "/etc/shadow",
          "/etc/passwd",
          "/proc/self/environ",
          "/proc/self/mem",
          "/proc/self/fd/3",
          "/proc/self/root/etc/shadow",
          `/proc/${etcd.pid}/environ`,
          "/dev/fd/3",
          "/dev/kmsg",
        ],
      },
    },
    {
      suite: "loader",
      targets: {
        secret,
        own,
        port: closed.port,
        modules: ["plugins/ca/mod.ts", "runtime/node/node.ts"].map((path) =>
          new URL(`../../${path}`, import.meta.url).href
        ),
      },
    },
    {
      suite: "system",
      targets: { pid: etcd.pid, variable: "PROBED_SECRET", own, secret },
    },
    {
      suite: "network",
      targets: {
        ports: [closed.port, await peerPort(folders)],
        sockets: [
          `${folders.run}/hamlet.sock`,
          `${folders.run}/consensus/client.sock:0`,
        ],
        own,
      },
    },
    {
      suite: "services",
      targets: {
        keys: ["/etcd-ca/ca-key.der", "/cluster-ca/crl.der", "/noisy/a"],
        lease: lease.lease,
      },
    },
    { suite: "forged", targets: { key: "/etcd-ca/ca-key.der" } },
  ];

  await t.step("what it was granted works", async () => {
    const results = await send(node, client, "probe", controls);
    assert.deepEqual(results.filter(({ refused }) => refused), []);
    checkComplete(results, triesOf(controls, nobody));
  });
  const refusals = new Set<string>();
  for (const order of orders) {
    await t.step(`everything else is refused: ${order.suite}`, async () => {
      const results = await send(node, client, "probe", order);
      assert.deepEqual(
        results.filter(({ refused, reason }) =>
          !refused || !REFUSALS.some((refusal) => refusal.test(reason))
        ),
        [],
      );
      checkComplete(results, triesOf(order, nobody));
      for (const { reason } of results) {
        const [message] = /Plugin "probe" may not .*/.exec(reason) ?? [];
        if (message !== undefined) refusals.add(message);
      }
    });
  }
  await t.step("what the node refused is in its log, once", () => {
    assert.ok(refusals.size > 30, `There are only ${refusals.size}`);
    for (const refusal of refusals) {
      assert.match(refusal, /deno\.json would allow it with plugins\.probe\./);
      const lines = node.log.filter(({ message }) =>
        message.replaceAll(/\s+/g, " ") === refusal
      );
      assert.deepEqual(lines.map(({ level }) => level), ["error"], refusal);
    }
    const broken = node.log.filter(({ message }) =>
      /^Closed the connection of "probe" to service "kv", which broke the protocol/
        .test(message)
    );
    assert.ok(broken.length >= 5, node.text());
  });
  await t.step("nobody but the node was reached or changed", async () => {
    assert.equal(closed.count(), 0);
    await assert.rejects(Deno.lstat(`${own}/ran`), Deno.errors.NotFound);
    assert.deepEqual(
      await Promise.all(untouched.map((path) => Deno.readFile(path))),
      before.files,
    );
    assert.deepEqual(await keysOfOthers(folders), before.keys);
    assert.deepEqual((await allBelow(folders, own)).files, files);
  });
  held.abort();

  await t.step(
    "a plugin dies of what it does to the node or itself, alone, with its name",
    async () => {
      const names = [...Object.keys(deadly), ...Object.keys(final)];
      for (const name of names) {
        await put(client, `saboteur-${name}`, {
          suite: "deed",
          targets: { name },
        });
      }
      for (const [name, death] of Object.entries(DEATHS)) {
        const dn = `root.saboteur-${name}`;
        await node.logged((line) =>
          line.dn === dn && line.level === "error" && death.test(line.message)
        );
      }
      await node.status(({ plugins }) =>
        Object.keys(deadly).every((name) =>
          plugins.some((one) =>
            one.name === `saboteur-${name}` && one.state === "ready" &&
            one.restarts === 1
          )
        ) &&
        Object.keys(final).every((name) =>
          plugins.some((one) =>
            one.name === `saboteur-${name}` && one.state === "given-up"
          )
        )
      );
      assert.ok(
        !node.log.some(({ dn, message }) =>
          /Forged/.test(message) && !dn.startsWith("root.saboteur-")
        ),
      );
    },
  );

  const start = await memory(node);
  const peaks: string[] = [];
  for (const name of Object.keys(noisy)) {
    await t.step(`the node bears ${name}`, async () => {
      await clearPeak(node);
      const { now } = await memory(node);
      const order: Order = { suite: "deed", targets: { name } };
      let done = false;
      const deed = send(node, client, "noisy", order).finally(() =>
        done = true
      );
      let slowest = 0;
      while (!done) {
        const asked = performance.now();
        await client.status();
        await client.call(kv, "put", {
          key: "/other",
          value: new Uint8Array(1),
        });
        slowest = Math.max(slowest, performance.now() - asked);
      }
      await deed;
      const { peak } = await memory(node);
      peaks.push(
        `${name}: ${peak - now} MB more, answers within ${
          Math.round(slowest)
        } ms`,
      );
      const limit = name.includes("100 MB") ? GIANT_MB : ORDINARY_MB;
      assert.ok(peak - now < limit, peaks.join("\n"));
      assert.ok(slowest < 15_000, peaks.join("\n"));
    });
  }
  await t.step("the node is as it was before", async () => {
    const lines = node.log.filter(({ dn }) => dn === "root.noisy");
    assert.ok(lines.length < 10_000, `It logged ${lines.length} lines`);
    assert.equal(
      lines.filter(({ message }) => /^Dropped \d+ log records/.test(message))
        .length,
      1,
    );
    // Nothing that it wrote is a line of another's, or of nobody's.
    const forged = node.log.filter(({ dn, message }) =>
      message.includes("\x1b[2J") && dn !== "root.noisy"
    );
    assert.deepEqual(forged, []);
    const { plugins, members } = await node.status(({ plugins }) =>
      plugins.every(({ name, state }) =>
        state === "ready" ||
        Object.keys(final).some((deed) => name === `saboteur-${deed}`)
      )
    );
    for (const { name, restarts } of plugins) {
      if (builtIn.includes(name) || name === "noisy" || name === "probe") {
        assert.equal(restarts, 0, name);
      }
    }
    assert.equal(members.length, 1);
    await givenBack(node, start.now + GIANT_MB, peaks.join("\n"));
    await client.call(kv, "delete", { key: "/other" });
    assert.deepEqual(await keysOfOthers(folders), before.keys);
  });
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

/** Makes a distribution with a probe, one that makes noise, and one saboteur for each deed that kills. */
async function makeProbes(
  folders: NodeFolders,
  port: number,
): Promise<{ manifest: string; code: string[] }> {
  const entry = (name: string) => ({
    module: "./probe/mod.ts",
    uses: { kv: { scope: { keys: [`/${name}/`], quota: 2 * 1024 * 1024 } } },
    roles: ["member"],
    isolation: "worker",
  });
  const others = ["noisy"].concat(
    [...Object.keys(deadly), ...Object.keys(final)].map((name) =>
      `saboteur-${name}`
    ),
  );
  const { path, manifest } = await makeDistribution(folders, {
    files: { probe: new URL("probe/", import.meta.url) },
    plugins: {
      probe: {
        ...entry("probe"),
        permissions: {
          read: ["${data}/probe"],
          write: ["${data}/probe"],
          net: [`127.0.0.1:${port}`],
          env: ["PROBE_*", "NODE_*"],
          sys: ["osRelease"],
        },
        uses: {
          ...entry("probe").uses,
          cluster: { methods: ["members"] },
          process: { scope: { true: { args: ["--granted"] } } },
        },
      },
      ...Object.fromEntries(others.map((name) => [name, entry(name)])),
    },
  });
  return { manifest, code: [`${path}/probe/mod.ts`, `${path}/probe/deeds.ts`] };
}

/** Has a plugin do something, and waits for its report. */
async function send(
  node: NodeProcess,
  client: AdminClient,
  plugin: string,
  order: Order,
): Promise<readonly Result[]> {
  const left = new AbortController();
  const timer = setTimeout(
    () => left.abort(new Error(`"${plugin}" does not report`)),
    60_000,
  );
  const key = `/${plugin}/report`;
  const reports = client.stream(kv, "watch", { key }, left.signal);
  try {
    for await (const item of reports) {
      if (item.kind === "snapshot") await put(client, plugin, order);
      for (const event of item.kind === "events" ? item.events : []) {
        if (event.kind !== "put") continue;
        return JSON.parse(new TextDecoder().decode(event.kv.value));
      }
    }
    throw new Error(`"${plugin}" has not reported\n${node.text()}`);
  } finally {
    clearTimeout(timer);
    left.abort();
  }
}

async function put(
  client: AdminClient,
  plugin: string,
  order: Order,
): Promise<void> {
  await client.call(kv, "put", {
    key: `/${plugin}/order`,
    value: new TextEncoder().encode(JSON.stringify(order)),
  });
}

/** Whether each try was made. */
function checkComplete(results: readonly Result[], tries: Tries): void {
  assert.deepEqual(
    results.map(({ name }) => name).sort(),
    Object.keys(tries).sort(),
  );
}

/** Listens where nobody may come. */
function countConnections() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const accepted = (async () => {
    for await (const connection of listener) {
      connections++;
      connection.close();
    }
  })();
  return {
    port: listener.addr.port,
    count: () => connections,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepted;
    },
  };
}

/** Every file and folder of a node but one folder. */
async function allBelow({ data, run }: NodeFolders, but: string) {
  const files: string[] = [];
  const folders: string[] = [];
  const visit = async (folder: string) => {
    if (folder === but) return;
    folders.push(folder);
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await visit(path);
      // Those come and go by themselves.
      else if (!/\/wal\/|\.(?:tmp|new)$/.test(path)) files.push(path);
    }
  };
  await visit(data);
  await visit(run);
  return { files: files.sort(), folders: folders.sort() };
}

async function peerPort({ data }: NodeFolders): Promise<number> {
  const { peerPort } = JSON.parse(await Deno.readTextFile(`${data}/node.json`));
  return peerPort;
}

/** What is in etcd and belongs to none of the probes. */
async function keysOfOthers(
  folders: NodeFolders,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const keys = await readKeys(folders, "/");
  return new Map(
    [...keys].filter(([key]) =>
      // The curator writes there each time that it hears of a node.
      !/^\/(?:probe|noisy|saboteur-|sessions\/)/.test(key)
    ),
  );
}

/** Megabytes of memory that the node has now, and had at most since it was last cleared. */
async function memory({ pid }: NodeProcess) {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const read = (name: string) =>
    Math.round(
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024,
    );
  return { now: read("VmRSS"), peak: read("VmHWM") };
}

/** Waits until the node has given memory back, which V8 does once it has been idle for a while. */
async function givenBack(
  node: NodeProcess,
  limit: number,
  message: string,
): Promise<void> {
  const end = Date.now() + 90_000;
  while ((await memory(node)).now > limit) {
    assert.ok(Date.now() < end, message);
    await delay(500);
  }
}

/** proc(5), clear_refs: sets the peak to what there is now. */
async function clearPeak({ pid }: NodeProcess): Promise<void> {
  await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5");
}
