import assert from "node:assert/strict";
import {
  type ClusterNode,
  hostname,
  Latest,
  network,
  nodes,
} from "../../../mod.ts";
import { tempFolder } from "../../support/temp.ts";
import { Harness, node } from "../../runtime/host/harness.ts";

const id = (number: number) =>
  `hamlet-${number.toString(16).padStart(32, "0")}`;
const clusterNode = (number: number, last = number): ClusterNode => ({
  id: id(number),
  name: `node-${number}`,
  role: "worker",
  addresses: [`10.${last >> 16}.${last >> 8 & 255}.${last & 255}`],
});

/** The plugin in its Worker, under its grant, and all that it hears. */
class Machine implements AsyncDisposable {
  readonly addresses = new Latest<readonly string[]>(["192.0.2.100"]);
  readonly view: Latest<{ nodes: ClusterNode[]; current: boolean }>;
  readonly blocks: string[][] = [];
  readonly harness: Harness;
  readonly #folder: string;

  constructor(
    folder: string,
    view: { nodes: ClusterNode[]; current: boolean } | undefined,
    config?: unknown,
  ) {
    this.#folder = folder;
    this.view = new Latest(view ?? { nodes: [], current: true });
    const { addresses, view: views, blocks } = this;
    const run = `${folder}/run`;
    this.harness = new Harness({
      node: {
        ...node,
        id: id(0xffff),
        name: "me",
        folders: { data: `${folder}/data`, run },
      },
    });
    const { broker } = this.harness;
    broker.provide(hostname, {
      set: () => Promise.resolve({ outcome: "off" }),
      resolve: () =>
        Promise.resolve({ name: "me", addresses: [...addresses.value] }),
      hosts({ lines }) {
        blocks.push(lines);
        return Promise.resolve({ outcome: "written" });
      },
    });
    broker.provide(network, {
      async *watch(_, { signal }) {
        for await (const now of addresses.watch(signal)) {
          yield { addresses: [...now] };
        }
      },
    });
    if (view !== undefined) {
      broker.provide(nodes, { watch: (_, { signal }) => views.watch(signal) });
    }
    const files = ["hosts", "hosts.new", "machine-id", "machine-id.new"]
      .map((name) => `${run}/${name}`);
    const folders = [`${folder}/data/hostsfile`, ...files];
    this.harness.start(
      "hostsfile",
      new URL("../../../plugins/hostsfile/mod.ts", import.meta.url),
      {
        permissions: { read: folders, write: folders },
        uses: {
          hostname: { optional: false, scope: undefined },
          network: { optional: false, scope: undefined },
          nodes: { optional: true, scope: undefined },
        },
        config,
      },
    );
  }

  async lines(): Promise<string[]> {
    const text = await Deno.readTextFile(`${this.#folder}/run/hosts`);
    return text.split("\n").slice(2, -1);
  }

  /** How often the file was written so far. */
  get writes(): number {
    return this.harness.count(/^Wrote /);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.harness[Symbol.asyncDispose]();
  }
}

async function folders(path: string): Promise<void> {
  await Deno.mkdir(`${path}/data`);
  await Deno.mkdir(`${path}/run`);
}

const ownLine = `192.0.2.100 ${id(0xffff)} me`;

Deno.test("hostsfile writes the cluster's nodes, keeps and logs one that is gone", async () => {
  await using folder = await tempFolder();
  await folders(folder.path);
  await using machine = new Machine(folder.path, {
    nodes: [clusterNode(1), clusterNode(2), { ...clusterNode(0xffff) }],
    current: true,
  });
  await machine.harness.untilLogged(/^Wrote .*added node-1 \(10\.0\.0\.1\)/);
  await machine.harness.until(() => machine.writes >= 1);
  await machine.harness.untilReadiness("hostsfile", "ready");
  machine.view.set({ nodes: [clusterNode(2, 9)], current: true });
  await machine.harness.untilLogged(
    /^Node "node-1" is not in the cluster any more; its entry stays$/,
  );
  await machine.harness.untilLogged(
    /^Wrote .*: changed node-2 \(10\.0\.0\.9, was 10\.0\.0\.2\)$/,
  );
  assert.deepEqual(await machine.lines(), [
    `10.0.0.1 ${id(1)} node-1`,
    `10.0.0.9 ${id(2)} node-2`,
    ownLine,
  ]);
});

Deno.test("hostsfile has the last known nodes back after a reboot without the cluster", async () => {
  await using folder = await tempFolder();
  await folders(folder.path);
  {
    await using machine = new Machine(folder.path, {
      nodes: [clusterNode(1)],
      current: true,
    });
    await machine.harness.untilLogged(/^Wrote .*added node-1/);
    // Written after the hosts file.
    machine.addresses.set(["192.0.2.101"]);
    await machine.harness.untilLogged(/^Wrote .*changed me/);
  }
  await Deno.remove(`${folder.path}/run`, { recursive: true });
  await Deno.mkdir(`${folder.path}/run`);
  await using machine = new Machine(folder.path, undefined);
  machine.addresses.set([]);
  await machine.harness.untilReadiness("hostsfile", "ready");
  assert((await machine.lines()).includes(`10.0.0.1 ${id(1)} node-1`));
  assert.equal(machine.harness.count(/not in the cluster any more/), 0);
});

Deno.test("hostsfile starts with a damaged memory, and says so", async () => {
  await using folder = await tempFolder();
  await folders(folder.path);
  await Deno.mkdir(`${folder.path}/data/hostsfile`);
  await Deno.writeTextFile(`${folder.path}/data/hostsfile/nodes.json`, "{");
  await using machine = new Machine(folder.path, {
    nodes: [clusterNode(1)],
    current: true,
  });
  await machine.harness.untilLogged(/nodes\.json" is damaged$/);
  await machine.harness.untilLogged(/^Wrote .*added node-1/);
});

Deno.test("hostsfile writes 10,000 nodes once, and a change among them once", async () => {
  await using folder = await tempFolder();
  await folders(folder.path);
  const all = Array.from({ length: 10_000 }, (_, index) => clusterNode(index));
  await using machine = new Machine(folder.path, { nodes: [], current: true });
  await machine.harness.untilLogged(/^Wrote .*added me/);
  const before = machine.writes;
  machine.view.set({ nodes: all, current: true });
  await machine.harness.untilLogged(/^Wrote .*added node-0.* and \d+ more$/);
  assert.equal(machine.writes, before + 1);
  machine.view.set({
    nodes: all.with(5000, clusterNode(5000, 0xfffffe)),
    current: true,
  });
  await machine.harness.untilLogged(
    /^Wrote .*changed node-5000 \(10\.255\.255\.254, was 10\.0\.19\.136\)$/,
  );
  assert.equal(machine.writes, before + 2);
  assert.equal((await machine.lines()).length, 10_001);
  const longest = Math.max(
    ...machine.harness.logged.map(({ message }) => message.length),
  );
  assert(longest < 2000, `A line of ${longest} characters`);
});

Deno.test("hostsfile writes a burst of changes in far fewer writes", async () => {
  await using folder = await tempFolder();
  await folders(folder.path);
  await using machine = new Machine(folder.path, { nodes: [], current: true });
  await machine.harness.untilLogged(/^Wrote .*added me/);
  const before = machine.writes;
  for (let last = 1; last <= 100; last++) {
    machine.view.set({ nodes: [clusterNode(1, last)], current: true });
    // Each is a view of its own to the plugin.
    await new Promise((resolve) => setTimeout(resolve));
  }
  await machine.harness.untilLogged(/^Wrote .*node-1 \(10\.0\.0\.100/);
  assert(machine.writes - before <= 30, `${machine.writes - before} writes`);
});

Deno.test("hostsfile hands the nodes to /etc/hosts only where the config says so", async () => {
  await using folder = await tempFolder();
  await folders(folder.path);
  const view = { nodes: [clusterNode(1)], current: true };
  {
    await using machine = new Machine(folder.path, view);
    await machine.harness.untilLogged(/^Wrote .*added node-1/);
    assert.deepEqual(machine.blocks, []);
  }
  await using machine = new Machine(folder.path, view, { etcHosts: true });
  machine.addresses.set(["192.0.2.101"]);
  await machine.harness.untilLogged(/^Wrote .*192\.0\.2\.101/);
  await machine.harness.until(() =>
    machine.blocks.at(-1)?.join() ===
      `10.0.0.1 ${id(1)} node-1,192.0.2.101 ${id(0xffff)} me`
  );
});
