import assert from "node:assert/strict";
import { allResolve, invite, members, nodeNames } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { read, write } from "./support/writes.ts";

/** Makes a machine with a copy of another one's disk. */
async function clone(lab: Lab, original: Host): Promise<Host> {
  const copy = await lab.host(original.name);
  await copy.exec("cp", "--archive", original.data, copy.data);
  return copy;
}

/** Starts a machine whose network comes later, as where it waits for its address. */
async function startWithoutNetwork(host: Host): Promise<void> {
  const { address } = host;
  await host.exec("ip", "address", "flush", "dev", "eth0");
  host.start();
  await host.node.status(({ plugins }) =>
    plugins.some(({ name, state }) => name === "network" && state === "ready")
  );
  await host.setAddress(address);
}

Deno.test("machines that were cloned from a member and from a worker are told what they are, and the originals go on", async () => {
  await using lab = await Lab.open();
  const [one, two, three] = await members(lab, "one", "two", "three");
  const four = await lab.host("four");
  await four.join(await invite(one, "worker"));
  await four.node.ready();

  for (const original of [three, four]) {
    const copy = await clone(lab, original);
    if (original === three) await startWithoutNetwork(copy);
    else copy.start();
    await copy.node.logged(
      new RegExp(
        `The cluster has removed this node \\(Another machine, at ${original.address}, .*a copy of its disk.*hamlet reset`,
      ),
    );
    // One that would vote as the member never gets that far.
    if (original === three) {
      assert(!copy.log.includes('"dn":"root.consensus.etcd"'));
    }
    // From then on it has no part in anything, and does not try again.
    await copy.node.status(({ ready, plugins }) =>
      !ready && plugins.map(({ name }) => name).join() === "network"
    );
    await copy.node.stop();
    assert.equal(await copy.start().ended, 2);
    assert(
      [one, two, three].some(({ log }) =>
        new RegExp(
          `"level":"error".*Two machines run at the same time with the key of node.*, at .*${copy.address}`,
        ).test(log)
      ),
      "Nobody says so to who looks after the cluster",
    );
  }

  await write(one, "/test/after", "1");
  for (const host of [one, two, three]) {
    await host.node.status(({ ready, members }) =>
      ready && members.flatMap(({ peerURLs }) => peerURLs).sort().join() ===
        [1, 2, 3].map((number) => `https://10.77.0.${number}:7834`).join()
    );
    assert.equal(await read(host, "/test/after"), "1");
  }
  await four.node.ready();
  assert.deepEqual(await nodeNames(one), ["four", "one", "three", "two"]);
  await allResolve([one, two, three, four]);
});

Deno.test("a member whose copy has taken its place while it was off is told so before it could vote", async () => {
  await using lab = await Lab.open();
  const [one, two, three] = await members(lab, "one", "two", "three");
  await three.node.stop();
  const copy = await clone(lab, three);
  copy.start();
  await copy.node.status(({ ready, members }) =>
    ready &&
    members.some(({ peerURLs }) =>
      peerURLs.join() === `https://${copy.address}:7834`
    )
  );

  const original = three.start();
  await original.logged(
    new RegExp(`Another machine, at ${copy.address}, runs with the key of`),
  );
  assert(!original.log.includes('"dn":"root.consensus.etcd"'));
  await original.stop();
  await write(one, "/test/after", "1");
  for (const host of [one, two, copy]) {
    await host.node.ready();
    assert.equal(await read(host, "/test/after"), "1");
  }
});
