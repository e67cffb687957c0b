import assert from "node:assert/strict";
import { ca } from "../../runtime/services/ca.ts";
import { ServiceError } from "../../runtime/service/errors.ts";
import { run } from "../support/process.ts";
import { listSteps } from "./support/failpoints.ts";
import { checkFounded, readMadeKnown, unfinished } from "./support/founded.ts";
import { hamlet } from "./support/hamlet.ts";
import { inParallel } from "./support/in_parallel.ts";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { processesLeft, processesOf } from "./support/processes_of.ts";

async function etcdOf({ data }: NodeFolders): Promise<number> {
  const [etcd, ...more] = (await processesOf(data)).filter(({ program }) =>
    program === "etcd"
  );
  assert.ok(etcd && more.length === 0);
  return etcd.pid;
}

Deno.test("a node whose etcd is killed is not ready, and then ready again by itself", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  await hamlet(folders, "kv", "put", "/before", "here");
  const before = await readMadeKnown(folders);
  const first = await etcdOf(folders);

  let seen: "ready" | "killed" | "unready" = "ready";
  const reasons: string[] = [];
  for await (const { ready, plugins } of node.statuses()) {
    if (seen === "ready") {
      assert.ok(ready);
      Deno.kill(first, "SIGKILL");
      seen = "killed";
    } else if (!ready) {
      const { state, reason } = plugins.find(({ name }) =>
        name === "consensus"
      ) ?? {};
      if (seen === "killed") assert.equal(state, "unready");
      reasons.push(`${reason}`);
      seen = "unready";
    } else if (seen === "unready") break;
  }
  assert.match(reasons.join("\n"), /SIGKILL/);

  assert.notEqual(await etcdOf(folders), first);
  assert.equal(await hamlet(folders, "kv", "get", "/before"), "here");
  await checkFounded(folders, before);
  const { plugins } = await node.status();
  // What failed is etcd, and nothing but etcd was started again.
  assert.deepEqual(plugins.filter(({ restarts }) => restarts > 0), []);
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

Deno.test("a killed node takes its etcd with it, and comes up again with what it had", async () => {
  await using folders = await nodeFolders();
  let before;
  {
    await using node = new NodeProcess(folders);
    await node.ready();
    await hamlet(folders, "kv", "put", "/before", "here");
    before = await readMadeKnown(folders);
    await etcdOf(folders);
    node.kill("SIGKILL");
    assert.equal((await node.exited).signal, "SIGKILL");
    assert.deepEqual(await processesLeft(folders.data), []);
  }
  await using node = new NodeProcess(folders, { newCluster: false });
  await node.ready();
  assert.equal(await hamlet(folders, "kv", "get", "/before"), "here");
  await checkFounded(folders, before);
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

Deno.test("a node is founded whichever step of ca, consensus or both fails", async () => {
  // Without the curator, which is given a certificate and writes by way of the others.
  const args = ["--plugins", "consensus,ca,crl"];
  const steps = await listSteps(args);
  const of = (plugin: string) =>
    steps.filter(({ thread }) => thread === `root.${plugin}`)
      .map(({ name }) => name)
      // A file that nobody reads under this name is the same empty and full.
      .filter((name) => !name.startsWith("after create"));
  const [ofCa, ofConsensus] = [of("ca"), of("consensus")];
  assert.ok(ofCa.length >= 8 && ofConsensus.length >= 16);
  const both = ofCa.map((name, index) => {
    const at = Math.floor(index * ofConsensus.length / ofCa.length);
    return [name, ofConsensus[at] ?? ""];
  });
  const failing = [...ofCa, ...ofConsensus].map((name) => [name]);
  await inParallel([...failing, ...both], async (names) => {
    await using folders = await nodeFolders();
    await using node = new NodeProcess(folders, {
      args,
      env: {
        HAMLET_FAILPOINT: names
          .map((name) => `${name.replace("ROOT", folders.root)}!`).join(),
      },
    });
    const { plugins } = await node.ready();
    const restarts = plugins.reduce((sum, { restarts }) => sum + restarts, 0);
    assert.ok(restarts >= 1, `Nothing failed\n${node.text()}`);
    await checkFounded(folders);
    // What failed is done again, though not all of it before the node is ready, and the members are asked for.
    const late = performance.now() + 30_000;
    while ((await unfinished(folders)).length > 0 && performance.now() < late) {
      await node.status();
    }
    assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
    assert.deepEqual(await unfinished(folders), []);
  });
});

Deno.test("a ready node becomes ready again when ca, consensus or both fail", async () => {
  const inCa = "before certificate is registered!";
  // The first writes are those of its founding.
  const inConsensus = "before kv write#3!";
  const afterwards = "after kv write#3!";
  await inParallel([
    [inCa],
    [inConsensus],
    [afterwards],
    [inConsensus, "before certificate is registered#2!"],
  ], async (spec) => {
    await using folders = await nodeFolders();
    await using node = new NodeProcess(folders, {
      args: ["--plugins", "consensus,ca,crl"],
      env: { HAMLET_FAILPOINT: spec.join() },
    });
    await node.ready();
    const before = await readMadeKnown(folders);
    using client = node.client();
    const issue = (name: string) =>
      client.call(ca, "issue", {
        authority: "cluster",
        name,
        addresses: ["192.0.2.1"],
      });
    for (const name of spec) {
      await assert.rejects(issue("lost"), ServiceError, name);
      const failed = name.includes("kv") ? "consensus" : "ca";
      await node.status(({ ready, plugins }) =>
        ready &&
        plugins.some(({ name, restarts }) => name === failed && restarts === 1)
      );
    }
    const { serial } = await issue("kept");
    const { certificates } = await client.call(ca, "list", {});
    assert.ok(certificates.some((one) => one.serial === serial));
    await checkFounded(folders, before);
    assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
  });
});

Deno.test("a node that is told to end does so in order", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using folders = await nodeFolders();
    const { root } = folders;
    const etcd = (await run("sh", ["-c", "command -v etcd"])).stdout.trim();
    await Deno.writeTextFile(
      `${root}/etcd`,
      [
        "#!/bin/sh",
        `[ "$1" != --version ] || exec ${etcd} --version`,
        `${etcd} "$@" &`,
        "trap 'kill -TERM $!' TERM",
        // The signal ends the first one.
        `wait $!; wait $!; echo $? > ${root}/status`,
      ].join("\n"),
      { mode: 0o755 },
    );
    await using node = new NodeProcess(folders, {
      args: ["--etcd", `${root}/etcd`],
    });
    await node.ready();
    node.kill(signal);
    assert.deepEqual(await node.exited, { code: 0, signal: null }, node.text());
    // 128 and SIGTERM, which etcd sends itself once it has closed its data.
    assert.equal(await Deno.readTextFile(`${root}/status`), "143\n");
    assert.deepEqual(node.log.filter(({ level }) => level === "error"), []);
    assert.deepEqual(await processesLeft(folders.data), []);
    const left = [...Deno.readDirSync(folders.run)].map(({ name }) => name);
    assert.deepEqual(left.sort(), ["consensus", "hosts", "lock", "machine-id"]);
  }
});

Deno.test("a node that is told to end twice ends at once", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  // It cannot end in order now.
  Deno.kill(await etcdOf(folders), "SIGSTOP");
  node.kill("SIGTERM");
  await node.status(({ ready }) => !ready).catch(() => {});
  const told = performance.now();
  node.kill("SIGTERM");
  const { code, signal } = await node.exited;
  assert.ok(code !== 0 || signal !== null);
  // In order, it would wait 9 s for etcd.
  assert.ok(performance.now() - told < 5_000);
  assert.deepEqual(await processesLeft(folders.data), []);
});
