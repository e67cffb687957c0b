import assert from "node:assert/strict";
import { CommandError } from "../support/process.ts";
import { allResolve, invite, members, nodeNames } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { until } from "./support/until.ts";

/** Asks a member's port for something, with the certificate of another node's folder. */
async function reached(
  from: Host,
  to: Host,
  certificate: { key: string; cert: string; ca: string },
  port: number,
): Promise<boolean> {
  try {
    await from.exec(
      ...["curl", "--silent", "--http1.1", "--max-time", "10", "--insecure"],
      ...["--key", certificate.key, "--cert", certificate.cert],
      `https://${to.address}:${port}/version`,
    );
    return true;
  } catch (error) {
    assert(error instanceof CommandError);
    return false;
  }
}

Deno.test("a removed member is refused, says so, does not loop, and joins again after a reset", async () => {
  await using lab = await Lab.open();
  const [one, two, three] = await members(lab, "one", "two", "three");
  const pki = `${three.data}/etcd/peer-pki`;
  const peer = {
    key: `${pki}/key.pem`,
    cert: `${pki}/cert.pem`,
    ca: `${pki}/ca.pem`,
  };
  // Else a refusal would prove nothing.
  assert(await reached(three, one, peer, 7834));

  await one.hamlet("remove", "three");
  assert.deepEqual(await nodeNames(one), ["one", "two"]);
  await three.node.logged(/The cluster has removed this node .*hamlet reset/);
  for (const host of [one, two]) {
    await host.node.status(({ members }) => members.length === 2);
    await until(
      `${host.name} refuses the removed member's certificate`,
      async () => !await reached(three, host, peer, 7834),
      host.explain,
    );
  }

  await three.node.stop();
  assert.equal(await three.start().ended, 2);
  await three.node.logged(/the cluster has removed it/);

  await three.reset();
  await three.join(await invite(two, "member"));
  await three.node.ready();
  await allResolve(lab.hosts);
  assert.deepEqual(await nodeNames(three), ["one", "three", "two"]);
});

Deno.test("a member that lost its disk is removed, and replaced under its name", async () => {
  await using lab = await Lab.open();
  const [one, two, three] = await members(lab, "one", "two", "three");
  await three.node.kill();
  await Deno.remove(three.data, { recursive: true });
  // Without data it founds nothing by itself.
  assert.equal(await three.start().ended, 2);

  const token = await invite(one, "member");
  await one.hamlet("remove", "three");
  await three.join(token);
  await three.node.ready();
  for (const host of [one, two, three]) {
    await host.node.status(({ ready, members }) =>
      ready && members.length === 3 && members.every(({ learner }) => !learner)
    );
  }
  await allResolve(lab.hosts);
});
