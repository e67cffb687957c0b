import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { membership } from "../../mod.ts";
import { allResolve, invite, members } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { until } from "./support/until.ts";
import { read, write } from "./support/writes.ts";

/** Waits until a host's etcd is known to all where the host is now. */
async function placed(host: Host, all: readonly Host[]): Promise<void> {
  for (const one of all) {
    const at = host.address.includes(":") ? `[${host.address}]` : host.address;
    await one.node.status(({ ready, members }) =>
      ready &&
      members.some(({ peerURLs }) => peerURLs.join() === `https://${at}:7834`)
    );
  }
}

Deno.test("a member that comes back with another address is found there, without an operator, by IPv6 too", async () => {
  await using lab = await Lab.open("ipv6");
  const all = await members(lab, "one", "two", "three");
  const [one, , three] = all;
  await three.node.stop();
  await three.setAddress("fd77::103");
  await three.start().ready();
  await placed(three, all);
  await allResolve(all);
  await write(one, "/test/moved", "1");
  assert.equal(await read(three, "/test/moved"), "1");
});

Deno.test("members that get other addresses one after another, while they run, stay a cluster", async () => {
  await using lab = await Lab.open();
  const all = await members(lab, "one", "two", "three");
  const [one, two, three] = all;
  // A majority, of which each is found anew before the next one moves.
  for (const [index, host] of [one, two].entries()) {
    await host.setAddress(`10.77.0.${101 + index}`);
    await placed(host, all);
    await write(three, `/test/${host.name}`, "1");
  }
  await allResolve(all);
  for (const host of all) {
    assert.equal(await read(host, "/test/one"), "1");
    assert.equal(await read(host, "/test/two"), "1");
  }
});

Deno.test("a member of both families is joined and followed by machines of either, and all know its addresses", async () => {
  await using lab = await Lab.open();
  const one = await lab.host("one");
  await one.addAddress("fd77::1");
  await one.start(["--new-cluster", "--listen", "::"]).ready();
  const token = await invite(one, "worker", 2);
  const four = await lab.host("four");
  const six = await lab.host("six");
  await six.setAddress("fd77::3");
  for (const host of [four, six]) await host.join(token);
  for (const host of [four, six]) await host.node.ready();
  const known = {
    one: "10.77.0.1,fd77::1",
    four: "10.77.0.2",
    six: "fd77::3",
  };
  for (const host of [one, four, six]) {
    await until(
      `${host.name} knows where all are`,
      async () => {
        const { nodes } = await host.client.call(membership, "nodes", {});
        return isDeepStrictEqual(
          Object.fromEntries(
            nodes.map((one) => [one.name, `${one.addresses}`]),
          ),
          known,
        );
      },
      host.explain,
    );
  }
});
