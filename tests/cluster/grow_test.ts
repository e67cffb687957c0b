import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { allResolve, invite, members } from "./support/grow.ts";
import { Lab } from "./support/lab.ts";

Deno.test("three members and two workers know each other's names, and the machine keeps its own", async () => {
  const machine = Deno.hostname();
  await using lab = await Lab.open();
  const three = await members(lab, "one", "two", "three");
  const [one] = three;
  for (const host of three) {
    await host.node.status(({ ready, members }) =>
      ready && members.length === 3 && members.every(({ learner }) => !learner)
    );
  }

  const token = await invite(one, "worker", 2);
  const workers = [await lab.host("four"), await lab.host("five")];
  for (const host of workers) await host.join(token);
  for (const host of workers) {
    await host.node.ready();
    assert(!existsSync(`${host.data}/etcd/data`));
    assert(!existsSync(`${host.data}/ca/seal.key`));
  }
  await allResolve(lab.hosts);

  for (const host of lab.hosts) {
    assert.equal((await host.exec("hostname")).stdout.trim(), host.name);
  }
  assert.equal(Deno.hostname(), machine);
});
