import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { listSteps } from "./support/failpoints.ts";
import { checkFounded, readMadeKnown, unfinished } from "./support/founded.ts";
import { inParallel } from "./support/in_parallel.ts";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { processesLeft } from "./support/processes_of.ts";
import { rounds } from "./support/rounds.ts";

/** Whether the data folder is a node's, and that node has been ready once. */
async function nodeState(
  { data }: NodeFolders,
): Promise<"none" | "made" | "established"> {
  try {
    const { established } = JSON.parse(
      await Deno.readTextFile(`${data}/node.json`),
    );
    return established ? "established" : "made";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    throw error;
  }
}

/** Starts a node that was killed again, and checks that it is the same one, whole. */
async function recover(folders: NodeFolders, again: boolean): Promise<void> {
  assert.deepEqual(await processesLeft(folders.data), []);
  const before = await readMadeKnown(folders);
  const state = await nodeState(folders);
  const newCluster = state === "none" || state === "made" && again;
  await using node = new NodeProcess(folders, { newCluster });
  await node.ready();
  await checkFounded(folders, before);
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
  assert.deepEqual(await processesLeft(folders.data), []);
  assert.deepEqual(await unfinished(folders), []);
}

Deno.test("a start killed at any of its steps is made up for by the next one", async () => {
  const steps = await listSteps();
  for (const plugin of ["ca", "consensus", "crl", "hostsfile"]) {
    assert.ok(steps.some(({ thread }) => thread === `root.${plugin}`), plugin);
  }
  assert.ok(steps.length > 60, `There are only ${steps.length} steps`);
  const numbered = steps.map((step, index) => ({ ...step, index }));
  await inParallel(numbered, async ({ name, index }) => {
    await using folders = await nodeFolders();
    const point = name.replace("ROOT", folders.root);
    await using node = new NodeProcess(folders, {
      env: { HAMLET_FAILPOINT: point },
    });
    // Some steps are those of its end.
    const ready = node.ready().then(() => node.kill("SIGTERM")).catch(() => {});
    const { signal } = await node.exited;
    await ready;
    assert.equal(signal, "SIGKILL", `It was not there\n${node.text()}`);
    await recover(folders, index % 2 === 0);
  });
});

Deno.test("a first start killed in etcd's first 100 ms is made up for by the next one", async () => {
  const count = rounds(8);
  const instants = Array.from(
    { length: count },
    (_, round) => Math.round(110 * (round + Math.random()) / count),
  );
  await inParallel(instants, async (instant) => {
    await using folders = await nodeFolders();
    await using node = new NodeProcess(folders, {
      env: { HAMLET_FAILPOINT: "list" },
    });
    await node.logged(({ message }) => message.includes("before etcd starts"));
    await delay(instant);
    node.kill("SIGKILL");
    assert.equal((await node.exited).signal, "SIGKILL");
    await recover(folders, true);
  });
});
