import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { startEtcd } from "./etcd.ts";
import { run } from "./process.ts";
import { tempFolder } from "./temp.ts";

async function etcdctl(endpoint: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("etcdctl", ["--endpoints", endpoint, ...args], {
    env: { ETCDCTL_API: "3" },
  });
  return stdout;
}

Deno.test("startEtcd() serves, and leaves neither process nor folder", async () => {
  let started: { folder: string; pid: number };
  {
    await using etcd = await startEtcd();
    started = etcd;
    await etcdctl(etcd.endpoint, "put", "key", "value");
    assert.equal(
      await etcdctl(etcd.endpoint, "get", "--print-value-only", "key"),
      "value\n",
    );
    assert.equal(etcd.endpoint, `unix://${etcd.socket}`);
  }
  assert.equal(existsSync(started.folder), false);
  assert.equal(existsSync(`/proc/${started.pid}`), false);
});

Deno.test("startEtcd() continues with the data of the folder that it is given", async () => {
  await using folder = await tempFolder();
  {
    await using etcd = await startEtcd({ folder: folder.path });
    await etcdctl(etcd.endpoint, "put", "key", "value");
  }
  await using etcd = await startEtcd({ folder: folder.path });
  assert.equal(
    await etcdctl(etcd.endpoint, "get", "--print-value-only", "key"),
    "value\n",
  );
});

Deno.test("startEtcd() rejects with the log when etcd does not start", async () => {
  await assert.rejects(
    startEtcd({ args: ["--no-such-flag"] }),
    /^Error: Cannot start etcd in "\/tmp\/hamlet-.*": it ended with\n.*no-such-flag/s,
  );
});
