// deno-lint-ignore-file no-console -- what is not tested is to be seen
import assert from "node:assert/strict";
import { run } from "../support/process.ts";
import { hamlet } from "./support/hamlet.ts";
import { copyNode, madeNode } from "./support/made_node.ts";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { assertRefused } from "./support/refused.ts";

/** What a start on a node's folder writes even if it is refused: which process holds it. */
const except = /\/lock /;

/** An etcd of each minor version, one after another. */
const etcds = await Promise.all(
  ["etcd", ...["3_5", "3_6"].map((minor) => `HAMLET_ETCD_${minor}`)]
    .map(async (name) => {
      const path = name === "etcd" ? name : Deno.env.get(name);
      if (path === undefined) return undefined;
      const { stdout } = await run(path, ["--version"]);
      const [, minor = ""] = stdout.match(/^etcd Version: (\d+\.\d+)/) ?? [];
      return { path, minor };
    }),
);
const [old, next, last] = etcds;
const lacking = old?.minor !== "3.4" || next === undefined ||
  last === undefined;
if (lacking) {
  console.warn(
    "upgrade_test.ts: SKIPPED, what needs etcd 3.4, 3.5 and 3.6: scripts/test e2e makes these with Go",
  );
}

/** Runs a node with an etcd until the cluster is at its version. */
async function runWith(
  folders: NodeFolders,
  { path, minor }: { path: string; minor: string },
  work: () => Promise<void> = async () => {},
): Promise<void> {
  await using node = new NodeProcess(folders, {
    args: ["--etcd", path],
    newCluster: false,
  });
  await node.ready();
  await node.logged(({ message }) =>
    message === `The cluster is at etcd ${minor}`
  );
  await work();
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
}

async function nodeJson(
  { data }: NodeFolders,
): Promise<Record<string, unknown>> {
  return JSON.parse(await Deno.readTextFile(`${data}/node.json`));
}

Deno.test({
  name:
    "a node goes up one minor version of etcd at a time, never back, and keeps its data",
  ignore: lacking,
  async fn() {
    if (!old || !next || !last) return;
    await using folders = await madeNode();
    const refuse = (etcd: string, ...says: string[]) =>
      assertRefused(folders, {
        newCluster: false,
        args: ["--etcd", etcd],
        code: 1,
        says: [`${folders.data}/etcd/data`, ...says],
        except,
      });
    await refuse(last.path, "at etcd 3.4", "etcd 3.5 first");
    await runWith(folders, next, async () => {
      await hamlet(folders, "kv", "put", "/a", "kept");
    });
    await refuse(old.path, "at etcd 3.5", "etcd 3.5 or 3.6");
    await runWith(folders, last, async () => {
      assert.equal(await hamlet(folders, "kv", "get", "/a"), "kept");
    });
    await refuse(next.path, "at etcd 3.6");
    await refuse(old.path, "at etcd 3.6");
  },
});

Deno.test({
  name:
    "a node that ends waits for its etcd, which waits for an operator's watch",
  ignore: lacking,
  async fn() {
    if (!next) return;
    await using folders = await nodeFolders();
    await using node = new NodeProcess(folders, {
      args: ["--etcd", next.path],
    });
    await node.ready();
    const endpoint = `unix://${folders.run}/consensus/client.sock:0`;
    const watch = new Deno.Command("etcdctl", {
      args: ["--endpoints", endpoint, "watch", "--interactive"],
      env: { ETCDCTL_API: "3" },
      ...{ stdin: "piped", stdout: "piped", stderr: "null" },
    }).spawn();
    try {
      const writer = watch.stdin.getWriter();
      await writer.write(new TextEncoder().encode("watch /a\n"));
      // Not before it has seen something it is one.
      const reader = watch.stdout.getReader();
      let sees = false;
      const seen = reader.read().then(() => sees = true);
      while (!sees) await hamlet(folders, "kv", "put", "/a", "seen");
      await seen;
      const told = performance.now();
      assert.deepEqual(await node.stop(), { code: 0, signal: null });
      // Else it did not wait, and nothing is shown.
      assert.ok(performance.now() - told > 5_000);
      assert.doesNotMatch(node.text(), /has not ended \d+ ms after SIGTERM/);
      await reader.cancel();
      await writer.close().catch(() => {});
    } finally {
      watch.kill("SIGKILL");
      await watch.status;
    }
  },
});

Deno.test("a node refuses what Hamlet or etcd of another version made of its data, and changes nothing", async (t) => {
  await using node = await madeNode();
  const version = await Deno.readTextFile(`${node.data}/etcd/cluster-version`);
  assert.match(version, /^3\.\d+\n$/);
  const minor = Number(version.split(".")[1]);

  await t.step("a newer Hamlet", async () => {
    await using folders = await copyNode(node);
    const file = { ...await nodeJson(folders), version: 99, hamlet: "9.8.7" };
    await Deno.writeTextFile(
      `${folders.data}/node.json`,
      JSON.stringify(file),
    );
    await assertRefused(folders, {
      newCluster: false,
      code: 2,
      says: [folders.data, "9.8.7", "format 99", "install"],
    });
  });
  for (
    const [what, recorded, says] of [
      ["a newer etcd", minor + 1, "does not go back"],
      ["an etcd two versions older", minor - 2, `etcd 3.${minor - 1} first`],
    ] as const
  ) {
    await t.step(what, async () => {
      await using folders = await copyNode(node);
      await Deno.writeTextFile(
        `${folders.data}/etcd/cluster-version`,
        `3.${recorded}\n`,
      );
      await assertRefused(folders, {
        newCluster: false,
        code: 1,
        says: [`at etcd 3.${recorded}`, says],
        except,
      });
    });
  }
});

Deno.test("a node takes over what an older Hamlet made, and says so once it has been ready", async () => {
  await using folders = await madeNode();
  const { hamlet, ...older } = await nodeJson(folders);
  assert.match(String(hamlet), /^\d+\.\d+\.\d+/);
  const text = JSON.stringify({ ...older, hamlet: "0.0.1" });
  await Deno.writeTextFile(`${folders.data}/node.json`, text);
  await Deno.remove(`${folders.data}/etcd/cluster-version`);

  // One that cannot become ready leaves the older one its data.
  await assertRefused(folders, {
    newCluster: false,
    args: ["--etcd", "/usr/bin/false"],
    code: 1,
    says: ["etcd"],
    except,
  });
  assert.equal(await Deno.readTextFile(`${folders.data}/node.json`), text);

  await using node = new NodeProcess(folders, { newCluster: false });
  await node.ready();
  await node.stop();
  assert.deepEqual(await nodeJson(folders), { ...older, hamlet });
});
