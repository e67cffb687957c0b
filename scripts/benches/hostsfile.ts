/**
 * How long it takes until every host of a cluster resolves a new node's name: from the request that writes the node's
 * record until the last hosts file is renamed into place, with five nodes and with 10,000 more. And what rendering and
 * writing 10,000 nodes costs, next to writing the same bytes.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  renderEntries,
  renderHosts,
} from "../../plugins/hostsfile/hosts_file.ts";
import { writeFileAtomic } from "../../runtime/atomic_file.ts";
import { invite, members } from "../../tests/cluster/support/grow.ts";
import { Lab } from "../../tests/cluster/support/lab.ts";
import { tempFolder } from "../../tests/support/temp.ts";
import { HostsFiles } from "./cluster/hosts_files.ts";
import {
  record,
  type RecordedNode,
  recordedNodes,
} from "./cluster/node_records.ts";
import { type Figure, report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { ratios } from "./statistics.ts";

/** A large cluster. */
const MANY = 10_000;
/** Milliseconds between two nodes that are added: each is to be a change of its own. */
const PAUSE = 400;

async function measureCluster(
  count: number,
  countMany: number,
): Promise<Figure[]> {
  await using lab = await Lab.open();
  const [one] = await members(lab, "one", "two", "three");
  const token = await invite(one, "worker", 2);
  for (const name of ["four", "five"]) {
    await (await (await lab.host(name)).join(token)).ready();
  }
  await using files = new HostsFiles(lab.hosts.map(({ run }) => run));

  /** Milliseconds until the last of these nodes is in every file. */
  const add = async (nodes: readonly RecordedNode[]): Promise<number> => {
    await delay(PAUSE);
    const last = nodes.at(-1);
    if (last === undefined) throw new RangeError("There are no nodes to add");
    const line = `\n${last.address} ${last.id} ${last.name}\n`;
    const written = files.until((content) => content.includes(line));
    const begin = performance.now();
    await record(one.client, nodes);
    return await written - begin;
  };
  const single: number[] = [];
  for (const node of recordedNodes(count + 1, MANY)) {
    single.push(await add([node]));
  }
  const burst = await add(recordedNodes(MANY));
  const among: number[] = [];
  for (const node of recordedNodes(countMany + 1, MANY + count + 1)) {
    among.push(await add([node]));
  }
  for (const host of lab.hosts) await host.node.stop();
  // The first of each kind meets code that was not compiled yet, and what the change before has left.
  single.shift();
  among.shift();
  return [
    { name: "node added to every hosts file", unit: "ms", values: single },
    {
      name: "node added to every hosts file",
      unit: "ms",
      values: single,
      part: 0.99,
    },
    {
      name: `${MANY} nodes added to every hosts file`,
      unit: "ms",
      values: [burst],
    },
    {
      name: `node added among ${MANY} to every hosts file`,
      unit: "ms",
      values: among,
    },
  ];
}

async function measureFile(count: number): Promise<Figure[]> {
  await using folder = await tempFolder();
  const path = `${folder.path}/hosts`;
  const plain = `${folder.path}/plain`;
  const nodes = recordedNodes(MANY);
  const rendered: number[] = [];
  const whole: number[] = [];
  const bytes: number[] = [];
  for (let round = -1; round < count; round += 1) {
    const begin = performance.now();
    const text = renderHosts(renderEntries(nodes));
    const middle = performance.now();
    await writeFileAtomic(path, text, { mode: 0o644 });
    const end = performance.now();
    using file = await Deno.create(plain);
    await file.write(new TextEncoder().encode(text));
    await file.sync();
    const written = performance.now();
    // The first round warms up.
    if (round < 0) continue;
    rendered.push(middle - begin);
    whole.push(end - begin);
    bytes.push(written - end);
  }
  return [
    { name: `${MANY} nodes rendered`, unit: "ms", values: rendered },
    { name: `${MANY} nodes rendered and written`, unit: "ms", values: whole },
    { name: "the same bytes written and synced", unit: "ms", values: bytes },
    {
      name: "rendered and written over written",
      unit: "",
      values: ratios(whole, bytes),
    },
  ];
}

report("hostsfile", [
  ...await measureCluster(rounds(100), rounds(20)),
  ...await measureFile(rounds(20)),
]);
