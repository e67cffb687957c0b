// deno-lint-ignore-file no-console -- what is not tested is to be seen
import assert from "node:assert/strict";
import { invite, members } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { until } from "./support/until.ts";
import { write } from "./support/writes.ts";
import { kv } from "../../mod.ts";

/** One minor version after the etcd of the machine, which is Debian's 3.4. */
const next = Deno.env.get("HAMLET_ETCD_3_5");
const after = Deno.env.get("HAMLET_ETCD_3_6");
if (next === undefined || after === undefined) {
  console.warn(
    "upgrade_test.ts: SKIPPED, there is no etcd 3.5 and 3.6: scripts/test cluster makes them with Go",
  );
}

const missing = next === undefined || after === undefined;

/** Ends a node in order, starts it with another etcd, and waits until it is ready, as an operator does it. */
async function restart(host: Host, ...args: string[]): Promise<void> {
  assert.equal(await host.node.stop(), 0, host.node.log);
  await host.start(args).ready();
}

async function leads(host: Host): Promise<boolean> {
  const { members } = await host.client.status();
  return members.some(({ self, leader }) => self && leader);
}

Deno.test({
  name:
    "a cluster goes to the next etcd one node after another, keeps its quorum, and can go back until the last",
  ignore: missing,
  async fn() {
    if (next === undefined || after === undefined) return;
    await using lab = await Lab.open();
    const hosts = await members(lab, "one", "two", "three");
    let written = 0;
    const writeBy = async (host: Host) => {
      written += 1;
      // etcd may drop what is under way when it hands over its lead; nobody is told, and whoever wrote tries again.
      await write(host, `/w/${written}`, "kept");
    };

    const [first] = hosts;
    await restart(first, "--etcd", next);
    await writeBy(first);
    // The others are not there yet, so there is a way back, and none further on.
    assert.equal(
      await Deno.readTextFile(`${first.data}/etcd/cluster-version`),
      "3.4\n",
    );
    await restart(first);
    await writeBy(first);
    assert.equal(await first.node.stop(), 0);
    assert.equal(await first.start(["--etcd", after]).ended, 1);
    assert.match(first.node.log, /at etcd 3\.4: .*with etcd 3\.5 first/);
    await first.start().ready();

    let handovers = 0;
    for (const host of hosts) {
      const others = hosts.filter((other) => other !== host);
      const led = await leads(host);
      const asked = () =>
        others.reduce(
          (sum, { log }) => sum + log.split("received MsgTimeoutNow").length,
          0,
        );
      const before = asked();
      const restarted = restart(host, "--etcd", next);
      let away = true;
      void restarted.finally(() => away = false).catch(() => {});
      while (away) await writeBy(others[written % 2] ?? host);
      await restarted;
      await writeBy(host);
      if (!led) continue;
      // Its etcd asked another one to lead, which so did not have to find out that it was gone.
      assert(asked() > before, lab.hosts.map(({ log }) => log).join("\n"));
      handovers += 1;
    }
    assert(handovers > 0);

    for (const host of hosts) {
      await until(
        `${host.name} knows that the cluster is at etcd 3.5`,
        async () =>
          await Deno.readTextFile(`${host.data}/etcd/cluster-version`) ===
            "3.5\n",
        host.explain,
      );
      const { kvs } = await host.client.call(kv, "range", { prefix: "/w/" });
      assert.equal(kvs.length, written);
    }
    assert.equal(await first.node.stop(), 0);
    assert.equal(await first.start().ended, 1);
    assert.match(first.node.log, /at etcd 3\.5: etcd does not go back/);
  },
});

Deno.test({
  name:
    "a machine whose etcd the members cannot work with is told which to take, and keeps nobody from joining",
  ignore: missing,
  async fn() {
    if (after === undefined) return;
    await using lab = await Lab.open();
    const [first] = await members(lab, "one");
    const token = await invite(first, "member");
    const second = await lab.host("two");
    const args = ["--join", token, "--etcd", after];
    await second.start(args).status(({ plugins }) =>
      plugins.some(({ reason }) =>
        /at etcd 3\.4 and cannot work with etcd 3\.6\.\d+: .*give etcd 3\.4 or 3\.5/
          .test(reason ?? "")
      )
    );
    assert.equal((await first.client.status()).members.length, 1);
    await restart(second);
    assert.equal((await first.client.status()).members.length, 2);
  },
});
