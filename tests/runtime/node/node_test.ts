import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { StartError } from "../../../runtime/node/errors.ts";
import { startNode } from "../../../runtime/node/node.ts";
import { readNodeFile } from "../../../runtime/node/node_file.ts";
import type { NodeSettings } from "../../../runtime/node/settings.ts";
import { CommandError, run } from "../../support/process.ts";
import { freePort } from "../../support/port.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";
import { observedNode } from "./observed_node.ts";
import { tree } from "./tree.ts";

/** Plugins that need no etcd. */
const plugins = ["network", "hostsfile"];

function settingsFor({ path }: TempFolder): NodeSettings {
  return {
    dev: true,
    dataDir: `${path}/data`,
    runDir: `${path}/run`,
    peerPort: 0,
    curatorPort: 0,
    plugins,
    writeLog() {},
  };
}

/** Starts a node that must not start, and looks that nothing below the folder has changed. */
async function refused(
  folder: TempFolder,
  settings: NodeSettings,
): Promise<Error> {
  const before = await tree(folder.path);
  let error: unknown;
  try {
    const node = await startNode({ ...settingsFor(folder), ...settings });
    await node.stop();
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof Error, "Not refused");
  assert.deepEqual(await tree(folder.path), before);
  return error;
}

Deno.test("startNode() makes a node, which is ready, tells its status, and ends in order", async () => {
  await using folder = await tempFolder();
  await using observed = await observedNode(folder.path, {
    plugins,
    dev: true,
    name: "node-1",
  });
  const { node } = observed;
  await node.ready;
  const status = await observed.status(({ node }) =>
    node.address !== undefined
  );
  const { id, machineId } = node.info;
  assert.deepEqual(status.node, {
    id,
    name: "node-1",
    machineId,
    role: "member",
    address: "127.0.0.1",
  });
  assert.equal(status.ready, true);
  assert.deepEqual(status.plugins, [
    { name: "network", state: "ready", restarts: 0 },
    { name: "hostsfile", state: "ready", restarts: 0 },
  ]);
  assert.deepEqual(status.runnables.map(({ dn }) => dn), [
    "root",
    "root.network",
    "root.hostsfile",
    "root.hostsfile.local",
    "root.hostsfile.cluster",
    "root.hostsfile.check",
  ]);
  assert.deepEqual([status.members, status.warnings], [[], []]);
  await Promise.all([node.stop(), node.stop(), node.finished]);
  const { ready, warnings } = await node.status();
  assert.deepEqual([ready, warnings], [false, ["This node is ending"]]);
  await assert.rejects(
    Deno.stat(`${folder.path}/run/hamlet.sock`),
    Deno.errors.NotFound,
  );
});

Deno.test("Node.status() does not wait long for a cluster that is known to be away", async () => {
  await using folder = await tempFolder();
  const manifest = `${folder.path}/deno.json`;
  const deaf = { module: "./deaf.ts", isolation: "worker" };
  await Deno.writeTextFile(
    manifest,
    JSON.stringify({ plugins: { deaf: { ...deaf, provides: ["cluster"] } } }),
  );
  await Deno.writeTextFile(
    `${folder.path}/deaf.ts`,
    `import { cluster, definePlugin } from "hamlet";
    export default definePlugin({
      async run(ctx) {
        const never = () => new Promise(() => {});
        ctx.provide(cluster, { members: never, status: never, promote: never });
        ctx.unready("etcd is away");
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      },
    });`,
  );
  const { plugins: _, ...settings } = settingsFor(folder);
  const node = await startNode({ ...settings, manifest });
  const unready = Promise.withResolvers<void>();
  node.onChange(async () => {
    const { plugins: [one] } = await node.status();
    if (one?.state === "unready") unready.resolve();
  });
  await unready.promise;
  const asked = performance.now();
  assert.deepEqual((await node.status()).members, []);
  const took = performance.now() - asked;
  await node.stop();
  assert.ok(took > 100 && took < 900, `${took} ms`);
});

Deno.test("startNode() describes every declared plugin, loaded or not", async () => {
  await using folder = await tempFolder();
  await using observed = await observedNode(folder.path, {
    plugins,
    dev: true,
  });
  const described = observed.node.plugins();
  assert.deepEqual(
    described.filter(({ loaded }) => loaded).map(({ name }) => name),
    plugins,
  );
  const hostsfile = described.find(({ name }) => name === "hostsfile");
  assert(hostsfile?.permissions.write.includes(`${folder.path}/run/hosts`));
  assert(described.length > plugins.length);
});

Deno.test("startNode() comes up as the same node, on the same ports", async () => {
  await using folder = await tempFolder();
  const infos = [];
  for (let start = 0; start < 2; start++) {
    await using observed = await observedNode(folder.path, {
      // One that keeps nothing, with which the node is not established.
      plugins: ["network"],
      ...start === 0 ? { name: "node-1" } : {},
    });
    await observed.node.ready;
    infos.push(observed.node.info);
  }
  assert.deepEqual(infos[1], infos[0]);
  const { established, peerPort, curatorPort } = await readNodeFile(
    `${folder.path}/data`,
  );
  assert(
    !established && peerPort > 0 && curatorPort > 0 && peerPort !== curatorPort,
  );
});

Deno.test("startNode() takes what it is not told from the config file", async () => {
  await using folder = await tempFolder();
  const config = `${folder.path}/config.json`;
  await Deno.writeTextFile(
    config,
    `{ "name": "from-file", "peerPort": ${freePort()}, "advertise": "192.0.2.3" }`,
  );
  const { peerPort: _, ...settings } = settingsFor(folder);
  const node = await startNode({ ...settings, config, advertise: "192.0.2.4" });
  await node.stop();
  assert.equal(node.info.name, "from-file");
  assert.equal(node.info.advertise, "192.0.2.4");
  assert.equal(
    node.info.peerPort,
    JSON.parse(await Deno.readTextFile(config)).peerPort,
  );
});

const wrong: [
  criterion: string,
  settings: NodeSettings,
  exitCode: number,
  message: RegExp,
][] = [
  [
    "an empty folder without a word",
    { dev: false },
    2,
    /is empty: start a new cluster with --new-cluster/,
  ],
  [
    "a plugin that there is not",
    { plugins: ["nope"] },
    2,
    /Cannot load plugin "nope": .*known are ca, consensus, crl/,
  ],
  [
    "no plugins",
    { plugins: [] },
    2,
    /^Cannot load no plugins: name one or more with --plugins; known are ca, consensus, crl/,
  ],
  [
    "a plugin without a name",
    { plugins: ["network", ""] },
    2,
    /^Cannot load plugin "": /,
  ],
  [
    "a plugin without what it needs",
    { plugins: ["hostsfile"] },
    2,
    /uses service "network", which plugin "network"/,
  ],
  [
    "a program that there is not",
    { plugins: ["consensus", "ca"], programs: { etcd: "/no/etcd" } },
    1,
    /^Cannot run "\/no\/etcd" as "etcd".*--etcd/,
  ],
  [
    "a config file that there is not",
    { config: "/no/such" },
    1,
    /Cannot read config file "\/no\/such": there is none/,
  ],
  [
    "an address that is not this machine's",
    { listen: "192.0.2.1", plugins: ["network"] },
    1,
    /no such address; choose another/,
  ],
];
for (const [criterion, settings, exitCode, message] of wrong) {
  Deno.test(`startNode() refuses ${criterion}, and changes nothing`, async () => {
    await using folder = await tempFolder();
    const error = await refused(folder, settings);
    assert.match(error.message, message);
    assert(
      error instanceof StartError && error.exitCode === exitCode,
      String(error),
    );
  });
}

Deno.test("startNode() refuses a section for a plugin that there is not, and changes nothing", async () => {
  await using folder = await tempFolder();
  const config = `${folder.path}/config.json`;
  await Deno.writeTextFile(config, `{"plugins": {"nope": {}}}`);
  assert.match(
    (await refused(folder, { config })).message,
    /config\.json:1:14: plugins\.nope is not known/,
  );
});

Deno.test("startNode() refuses a peer port that another program has, and changes nothing", async () => {
  await using folder = await tempFolder();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const error = await refused(folder, {
    peerPort: port,
    plugins: ["consensus", "ca"],
  });
  assert.equal(
    error.message,
    `Cannot listen on port ${port} of 127.0.0.1: another program has it; end that one, or choose another port with ` +
      "--peer-port",
  );
  // Who does not load what listens there does not mind.
  const node = await startNode({ ...settingsFor(folder), peerPort: port });
  await node.stop();
});

Deno.test("startNode() refuses a second start on the same folders, naming the process, and changes nothing", async () => {
  await using folder = await tempFolder();
  await using observed = await observedNode(folder.path, {
    plugins,
    dev: true,
  });
  await observed.node.ready;
  await observed.logged(/This system resolves/);
  assert.match(
    (await refused(folder, {})).message,
    new RegExp(`another Hamlet runs on it, process ${Deno.pid};`),
  );
  assert((await observed.node.status()).ready);
});

Deno.test("startNode() accepts --new-cluster again until the node has been ready once with data, then never", async () => {
  await using folder = await tempFolder();
  const settings = {
    ...settingsFor(folder),
    plugins: ["consensus", "ca"],
    dev: false,
    hostname: "off",
    origin: "new-cluster",
  } as const;
  const first = await startNode(settings);
  await first.stop();
  assert.equal((await readNodeFile(`${folder.path}/data`)).established, false);
  const withoutData = await startNode({ ...settings, plugins: ["network"] });
  await withoutData.ready;
  await withoutData.stop();
  const second = await startNode(settings);
  await second.ready;
  await second.stop();
  assert.equal(second.info.id, first.info.id);
  const { message } = await refused(folder, settings);
  assert.match(
    message,
    new RegExp(
      `has a node already, "${first.info.id}": start it without --new-cluster`,
    ),
  );
});

Deno.test("startNode() ends with what a person has to do, and undoes a first start that cannot work", async () => {
  await using folder = await tempFolder();
  const before = await tree(folder.path);
  const node = await startNode({
    ...settingsFor(folder),
    plugins: ["consensus", "ca"],
    programs: { etcd: "/bin/echo" },
  });
  await assert.rejects(node.finished, {
    name: "FatalError",
    message: /Cannot use the program "etcd": it is another one/,
  });
  assert.deepEqual(await tree(folder.path), before);
});

Deno.test("Node.status() warns of what a plugin may wait for that the operator left out", async () => {
  await using folder = await tempFolder();
  await using observed = await observedNode(folder.path, { plugins: ["ca"] });
  const { plugins, warnings } = await observed.status(({ plugins }) =>
    plugins[0]?.state === "unready"
  );
  assert.deepEqual(plugins.map(({ name, reason }) => [name, reason]), [[
    "ca",
    "The authorities are not loaded: waiting for etcd",
  ]]);
  assert.deepEqual(warnings, [
    'Plugin "ca" may wait for service "enrollment", since "curator", which provides it, is not among --plugins',
    'Plugin "ca" may wait for service "kv", since "consensus", which provides it, is not among --plugins',
  ]);
});

Deno.test("startNode() warns of a clock that cannot be right, and starts", async () => {
  await using folder = await tempFolder();
  const { Date: RealDate } = globalThis;
  const wrongClock = class extends RealDate {
    constructor(time = 0) {
      super(time);
    }
  };
  globalThis.Date = wrongClock as unknown as DateConstructor;
  let node;
  try {
    node = await startNode(settingsFor(folder));
  } finally {
    globalThis.Date = RealDate;
  }
  await node.ready;
  const { warnings } = await node.status();
  await node.stop();
  assert.deepEqual(warnings, [
    "The clock of this machine says 1970-01-01T00:00:00.000Z, which cannot be: set it; the node runs all the same",
  ]);
});

/** Starts a node in a process of its own, which ends once it is ready, or at the failpoint. */
async function startOnce(
  { path }: TempFolder,
  failpoint = "",
): Promise<string> {
  const source = `
    import { startNode } from "${
    new URL("../../../runtime/node/node.ts", import.meta.url).href
  }";
    const settings = { origin: "new-cluster", hostname: "off", plugins: ["network"], peerPort: 0, curatorPort: 0 };
    const node = await startNode({ ...settings, dataDir: "${path}/data", runDir: "${path}/run" });
    await node.ready;
    await node.stop();
    console.log(node.info.id);`;
  const module = `data:application/javascript,${encodeURIComponent(source)}`;
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  const args = [
    "run",
    "--quiet",
    "--allow-all",
    "--no-remote",
    "--cached-only",
    "--no-check",
    "--config",
    config,
    module,
  ];
  return (await run(Deno.execPath(), args, {
    env: { HAMLET_FAILPOINT: failpoint },
  })).stdout.trim();
}

Deno.test("startNode() killed at any write of a first start comes up as one node when it is started again", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  for (const file of ["identity/key.pem", "node.json"]) {
    for (const instant of ["before", "after"]) {
      const crash = startOnce(folder, `${instant} rename ${path}/data/${file}`);
      await assert.rejects(
        crash,
        (error) => error instanceof CommandError && error.code === 137,
      );
      const key = await Deno.readTextFile(`${path}/data/identity/key.pem`)
        .catch(() => undefined);
      const id = await startOnce(folder);
      assert.match(id, /^hamlet-[0-9a-f]{32}$/);
      assert.equal((await readNodeFile(`${path}/data`)).id, id);
      if (key !== undefined) {
        assert.equal(
          await Deno.readTextFile(`${path}/data/identity/key.pem`),
          key,
        );
      }
      await Deno.remove(`${path}/data`, { recursive: true });
      await Deno.remove(`${path}/run`, { recursive: true });
    }
  }
});
