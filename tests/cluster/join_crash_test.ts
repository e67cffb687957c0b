import assert from "node:assert/strict";
import { seeded } from "../support/seeded.ts";
import { allResolve, invite, members, nodeNames } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import type { RunningNode } from "./support/running_node.ts";
import { until } from "./support/until.ts";
import { read, write } from "./support/writes.ts";

/** The steps that every run takes, where `HAMLET_ROUNDS` asks for no random ones: of the invitation, of the seals, of becoming a member, and of etcd's start. */
const FEW = [
  /^curator after join$/,
  /^after rename .*\/ca\/seal\.key$/,
  /^after adding the member$/,
  /^after etcd started$/,
];

/** The steps that a node takes from an empty folder until it is ready, with its folder as it was called there. */
async function steps(founder: Host, host: Host): Promise<string[]> {
  const node = await host.join(await invite(founder, "member"), {
    HAMLET_FAILPOINT: "list",
  });
  await node.ready();
  // What follows are the steps of its end.
  const { log } = node;
  await node.stop();
  const names = Array.from(
    log.matchAll(/"message":"Failpoint (?:\\"|)(.*?)(?:\\"|)","/g),
    ([, name = ""]) => name,
  );
  await leave(founder, host);
  return [...new Set(names)];
}

/** Makes a host whose node has ended what it was before it joined, so that it takes the same steps again. */
async function leave(founder: Host, host: Host): Promise<void> {
  await founder.hamlet("remove", host.name);
  await host.reset();
  for (const folder of [host.data, host.run]) {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Waits until a node has ended, or something is so; it may fail meanwhile. */
async function endOf(
  host: Host,
  node: RunningNode,
  or: () => boolean | Promise<boolean>,
): Promise<number | undefined> {
  let code: number | undefined;
  void node.ended.then((ended) => code = ended);
  await until(
    `${host.name} ends`,
    async () => code !== undefined || await or(),
    host.explain,
  );
  return code;
}

/** Starts a node again as it was told to be by its operator, until it is ready. */
async function comesBack(host: Host, token: string): Promise<void> {
  const node = await host.join(token);
  const code = await endOf(
    host,
    node,
    async () => (await host.client.status()).ready,
  );
  if (code === undefined) return;
  // It has been ready before.
  assert.match(node.log, /has a node already, .*: start it without --join/);
  await host.start().ready();
}

/** Chooses as `HAMLET_SEED` says, or in a way that this can say again. */
function randomSteps(steps: readonly string[], count: number) {
  const seed = Number(Deno.env.get("HAMLET_SEED") ?? Date.now() % 1_000_000);
  // deno-lint-ignore no-console -- Without it, a failure could not be repeated.
  console.log(`Seed ${seed}: ${count} of ${steps.length} steps`);
  const random = seeded(seed);
  return Array.from(
    { length: count },
    () => steps[Math.floor(random() * steps.length)],
  );
}

Deno.test("a join killed at any step goes on with the same token, and nothing that was written is lost", async () => {
  await using lab = await Lab.open();
  const [one, two] = await members(lab, "one", "two");
  const three = await lab.host("three");
  const all = await steps(one, three);
  const rounds = Deno.env.get("HAMLET_ROUNDS");
  const chosen = rounds === undefined
    ? FEW.map((pattern) => all.find((step) => pattern.test(step)))
    : randomSteps(all, Number(rounds));

  for (const [index, step] of chosen.entries()) {
    assert(step !== undefined, `There is no step ${FEW[index]}: ${all}`);
    const token = await invite(one, "member");
    await write(one, "/test/step", step);
    // deno-lint-ignore no-console -- Without it, nobody could tell what a round hangs at.
    console.log(`Round ${index}: dies at "${step}"`);
    const dying = await three.join(token, { HAMLET_FAILPOINT: step });
    assert.equal(await endOf(three, dying, () => false), 137, step);
    // The node that died is in nobody's way.
    await write(two, `/test/${index}`, "1");

    await comesBack(three, token);
    assert.equal(await read(three, "/test/step"), step);
    assert.equal(await read(three, `/test/${index}`), "1");
    await allResolve(lab.hosts);
    assert.deepEqual(await nodeNames(one), ["one", "three", "two"]);
    await three.node.stop();
    await leave(one, three);
  }
});
