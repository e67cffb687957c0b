import assert from "node:assert/strict";
import { StartError } from "../../../runtime/node/errors.ts";
import { examineReset, resetNode } from "../../../runtime/node/reset.ts";
import { hamlet } from "../cli/served_node.ts";
import { tempFolder } from "../../support/temp.ts";
import { observedNode } from "./observed_node.ts";
import { tree } from "./tree.ts";

/** Plugins that need no etcd. */
const plugins = ["network", "hostsfile"];

Deno.test("resetNode() empties a node's data folder, in which another one can be made", async () => {
  await using folder = await tempFolder();
  const [dataDir, runDir] = [`${folder.path}/data`, `${folder.path}/run`];
  let id;
  {
    await using observed = await observedNode(folder.path, { plugins });
    await observed.node.ready;
    id = observed.node.info.id;
    const before = await tree(dataDir);
    await assert.rejects(
      () => examineReset({ dataDir, runDir }),
      (error: unknown) =>
        error instanceof StartError &&
        /another Hamlet runs on it, process \d+; stop that one first$/.test(
          error.message,
        ),
    );
    assert.deepEqual(await tree(dataDir), before);
  }
  const found = await examineReset({ dataDir, runDir });
  assert.equal(found.node?.id, id);
  assert(
    found.entries.includes("identity") && found.entries.includes("node.json"),
  );
  await resetNode(found);
  assert.deepEqual([...Deno.readDirSync(dataDir)], []);
  await using observed = await observedNode(folder.path, { plugins });
  await observed.node.ready;
  assert.notEqual(observed.node.info.id, id);
});

Deno.test("examineReset() refuses what is no node's", async () => {
  await using folder = await tempFolder();
  const [dataDir, runDir] = [`${folder.path}/data`, `${folder.path}/run`];
  await Deno.mkdir(dataDir);
  await Deno.writeTextFile(`${dataDir}/thesis.tex`, "");
  await assert.rejects(
    () => examineReset({ dataDir, runDir }),
    /has "thesis\.tex" but no node\.json/,
  );
});

Deno.test("hamlet reset shows what goes, and removes nothing without a word", async () => {
  await using folder = await tempFolder();
  const [data, run] = [`${folder.path}/data`, `${folder.path}/run`];
  const args = ["reset", "--data-dir", data, "--run-dir", run];
  const empty = await hamlet(args);
  assert.equal(empty.code, 0);
  assert.match(empty.stdout, /is empty already/);
  {
    await using observed = await observedNode(folder.path, {
      plugins,
      name: "one",
    });
    await observed.node.ready;
  }
  const before = await tree(data);
  const asked = await hamlet(args);
  assert.equal(asked.code, 2);
  assert.match(
    asked.stderr,
    /goes, for good: .*identity.*\n.*node +one \(hamlet-/,
  );
  assert.match(asked.stderr, /confirm at a terminal, or with --yes/);
  assert.deepEqual(await tree(data), before);
  const done = await hamlet([...args, "--yes"]);
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual([...Deno.readDirSync(data)], []);
});
