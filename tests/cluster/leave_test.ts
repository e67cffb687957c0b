import assert from "node:assert/strict";
import { allResolve, invite, members, nodeNames } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { curl, reachesEtcd } from "./support/ports.ts";
import { until } from "./support/until.ts";

/** The status with which a member's curator ends a call, and its message; see https://grpc.io/docs/guides/status-codes/ */
async function asksCurator(
  from: Host,
  to: Host,
  method: string,
): Promise<string> {
  const file = `${from.run}/request`;
  // An empty message, as gRPC frames it.
  await Deno.writeFile(file, new Uint8Array(5));
  const answer = await curl(
    from,
    `${from.data}/identity`,
    ...["--http2", "--header", "content-type: application/grpc"],
    ...["--header", "te: trailers", "--data-binary", `@${file}`],
    ...["--dump-header", "-", "--output", "/dev/null"],
    `https://${to.address}:7835/${method}`,
  ) ?? "";
  const field = (name: string) =>
    new RegExp(`^${name}: (.*?)\r?$`, "m").exec(answer)?.[1] ?? "none";
  return `${field("grpc-status")} ${decodeURIComponent(field("grpc-message"))}`;
}

/** A call of a node, and one of a member alone. */
const CALLS = [
  "hamlet.cluster.v1.Membership/Renew",
  "hamlet.cluster.v1.Membership/SealKey",
];

Deno.test("a removed member is refused, says so, does not loop, and joins again after a reset", async () => {
  await using lab = await Lab.open();
  const [one, two, three] = await members(lab, "one", "two", "three");
  // Else a refusal would prove nothing.
  assert(await reachesEtcd(three, one));
  // What the curator takes is none for the store.
  assert(!await reachesEtcd(three, one, "identity"));
  for (const call of CALLS) {
    assert.match(await asksCurator(three, one, call), /^0 /);
  }

  await one.hamlet("remove", "three");
  assert.deepEqual(await nodeNames(one), ["one", "two"]);
  await three.node.logged(/The cluster has removed this node .*hamlet reset/);
  for (const host of [one, two]) {
    await host.node.status(({ members }) => members.length === 2);
    await until(
      `${host.name} refuses the removed member's certificate`,
      async () => !await reachesEtcd(three, host),
      host.explain,
    );
    for (const call of CALLS) {
      assert.match(
        await asksCurator(three, host, call),
        /^7 Node "hamlet-[0-9a-f]{32}" was removed from the cluster/,
      );
    }
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
