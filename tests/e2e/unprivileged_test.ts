import assert from "node:assert/strict";
import { checkFounded } from "./support/founded.ts";
import { hamlet } from "./support/hamlet.ts";
import { asNobody, NOBODY } from "./support/nobody.ts";
import { nodeFolders, NodeProcess } from "./support/node_process.ts";
import { processesOf } from "./support/processes_of.ts";

const isRoot = Deno.uid() === 0;

Deno.test({
  name:
    "without the right to set the host name that is reported once, and all else runs",
  async fn() {
    const before = Deno.hostname();
    await using folders = await nodeFolders();
    const { root, data, run } = folders;
    if (isRoot) await Deno.chown(root, NOBODY, NOBODY);
    await using node = new NodeProcess(folders, {
      args: ["--name", "unprivileged"],
      hostname: "on",
      prefix: isRoot ? asNobody : [],
    });
    const status = await node.ready();
    assert.equal(status.node.name, "unprivileged");
    assert.equal(status.plugins.length, 7);
    for (const { name, state, restarts } of status.plugins) {
      assert.deepEqual([state, restarts], ["ready", 0], name);
    }
    await hamlet(folders, "kv", "put", "/here", "yes");
    assert.equal(await hamlet(folders, "kv", "get", "/here"), "yes");
    await hamlet(
      folders,
      ...["cert", "issue", "a", "--ip", "192.0.2.1", "--out", root],
    );
    await hamlet(folders, "cert", "revoke", "a");
    await node.logged(({ message }) => message === "Wrote revocation list 2");
    await checkFounded(folders);
    assert.equal(
      await Deno.readTextFile(`${run}/machine-id`),
      `${status.node.machineId}\n`,
    );

    const user = isRoot ? NOBODY : Deno.uid();
    for (const path of [data, `${data}/ca/seal.key`, `${run}/hamlet.sock`]) {
      assert.equal((await Deno.stat(path)).uid, user, path);
    }
    const [etcd] = (await processesOf(data)).filter(({ program }) =>
      program === "etcd"
    );
    assert.ok(etcd);
    assert.equal((await Deno.stat(`/proc/${etcd.pid}`)).uid, user);

    // Also after another start of what asks for it.
    assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
    const reports = node.log.filter(({ message }) =>
      /host name/i.test(message)
    );
    assert.deepEqual(reports.map(({ level }) => level), ["warning"]);
    assert.match(
      `${reports[0]?.message}`,
      new RegExp(`"${before}".*may not set it.*--hostname off`),
    );
    assert.equal(Deno.hostname(), before);
  },
});
