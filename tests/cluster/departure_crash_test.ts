import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { kv } from "../../mod.ts";
import { decodeNode } from "../../plugins/curator/server/nodes_store.ts";
import { Pending } from "../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { seeded } from "../support/seeded.ts";
import { invite, members, nodeNames } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { until } from "./support/until.ts";
import { read, write } from "./support/writes.ts";

/** Who dies, and where: a step of that name, or so many milliseconds after the begin. */
interface Death {
  readonly who: "member that lets in" | "member that takes out" | "node";
  readonly at: string | number;
}

/** The steps of the members while a node joins, and while it is taken out. */
const JOIN = ["node added", "join answered", "learner added"];
const REMOVAL = [
  "departure marked",
  "member removed",
  "departure certain",
  "certificates revoked",
  "session forgotten",
  "node deleted",
];
/** Milliseconds that a removal takes at most where nothing is in its way. */
const REMOVAL_MS = 1_500;

/** A node that dies at a step, and then starts again as it was; at the end of its `using` no longer. */
interface Armed extends Disposable {
  /** Whether it has died. */
  readonly died: () => boolean;
}

/** Starts a host's node anew, armed. */
async function arm(host: Host, step: string): Promise<Armed> {
  await host.node.stop();
  const dying = host.start([], { HAMLET_FAILPOINT: step });
  let state: "armed" | "died" | "disarmed" = "armed";
  dying.ended.then(() => {
    if (state !== "armed") return;
    state = "died";
    host.start();
  });
  await dying.ready();
  return {
    died: () => state === "died",
    [Symbol.dispose]() {
      if (state === "armed") state = "disarmed";
    },
  };
}

/** The steps that a node takes when it is taken out, and at no other time. */
async function ownSteps(lab: Lab, one: Host, three: Host): Promise<string[]> {
  await three.node.stop();
  const node = three.start([], { HAMLET_FAILPOINT: "list" });
  await node.ready();
  const before = new Set(failpoints(node.log));
  await one.hamlet("remove", "three");
  await node.logged(/The cluster has removed this node/);
  await node.stop();
  await comeBack(lab, one, three);
  return [...new Set(failpoints(node.log)).difference(before)];
}

function failpoints(log: string): string[] {
  return Array.from(
    log.matchAll(/"message":"Failpoint (?:\\"|)(.*?)(?:\\"|)","/g),
    ([, name = ""]) => name,
  );
}

/** Lets a host that was taken out join as another node. */
async function comeBack(lab: Lab, one: Host, three: Host): Promise<void> {
  await three.reset();
  await (await three.join(await invite(one, "member"))).ready();
  for (const host of lab.hosts) await whole(host, lab.hosts.length);
}

/** Waits until a host sees so many members, all with a vote. */
async function whole(host: Host, count: number): Promise<void> {
  await host.node.status(({ ready, members }) =>
    ready && members.length === count &&
    members.every(({ learner }) => !learner)
  );
}

/** Waits until nothing in the cluster waits to be gone on with. */
async function settled(host: Host): Promise<void> {
  await until("nothing is half done", async () => {
    const { kvs } = await host.client.call(kv, "range", { prefix: "/nodes/" });
    return kvs.map(decodeNode).every(({ pending }) =>
      pending === Pending.UNSPECIFIED
    );
  }, host.explain);
}

/** Takes a node out while somebody dies, then the operator tries again where that is needed. */
async function removal(
  [one, two, three]: readonly [Host, Host, Host],
  { who, at }: Death,
): Promise<void> {
  const dying = who === "node" ? three : one;
  using armed = typeof at === "string" ? await arm(dying, at) : undefined;
  const command = one.hamlet("remove", "three").catch(() => {});
  if (typeof at === "number") {
    await delay(at);
    await dying.node.kill();
    dying.start();
  } else await until(`${who} dies`, () => armed?.died() === true, one.explain);
  await command;
  await write(two, "/test/meanwhile", `${at}`);
  await one.node.ready();
  await settled(two);
  if ((await nodeNames(one)).includes("three")) {
    await one.hamlet("remove", "three");
  }
  assert.deepEqual(await nodeNames(two), ["one", "two"]);
  for (const host of [one, two]) await whole(host, 2);
  await three.node.stop();
  three.start();
  await three.node.logged(/cluster has removed (it|this node)/);
  await three.node.stop();
}

Deno.test("a removal and a join that are killed anywhere, on either side, leave a whole cluster", async () => {
  await using lab = await Lab.open();
  const hosts = await members(lab, "one", "two", "three");
  const [one, two, three] = hosts;
  const own = await ownSteps(lab, one, three);
  assert(own.length > 0);

  const seed = Number(Deno.env.get("HAMLET_SEED") ?? Date.now() % 1_000_000);
  const random = seeded(seed);
  const any = <T>(of: readonly T[]): T => {
    const chosen = of[Math.floor(random() * of.length)];
    assert(chosen !== undefined);
    return chosen;
  };
  const rounds = Number(Deno.env.get("HAMLET_ROUNDS") ?? 3);
  for (let round = 0; round < rounds; round++) {
    const moment = Math.floor(random() * REMOVAL_MS);
    const deaths: Death[] = [
      { who: "member that takes out", at: any([any(REMOVAL), moment]) },
      { who: "node", at: any([any(own), moment]) },
    ];
    const death = any(deaths);
    const joining = any(JOIN);
    const what =
      `seed ${seed}, round ${round}: ${death.who} dies at ${death.at}, later the one that lets it in at ${joining}`;
    // deno-lint-ignore no-console -- Without it, a failure could not be repeated.
    console.log(what);
    const key = `/test/round-${round}`;
    await write(one, key, what);
    await removal(hosts, death);

    // Whoever is asked dies, and the other where it is asked then.
    using first = await arm(one, joining);
    using second = await arm(two, joining);
    const token = await invite(one, "member");
    await three.reset();
    const joined = await three.join(token);
    await until(
      "a member dies",
      () => first.died() || second.died(),
      one.explain,
    );
    await write(two, `${key}-joining`, what);
    await joined.ready();
    for (const host of hosts) await whole(host, 3);
    await settled(one);
    assert.deepEqual(await nodeNames(one), ["one", "three", "two"]);
    assert.equal(await read(three, "/test/meanwhile"), `${death.at}`);
    for (let past = 0; past <= round; past++) {
      assert.match(
        await read(three, `/test/round-${past}`),
        new RegExp(`round ${past}:`),
      );
      await read(three, `/test/round-${past}-joining`);
    }
  }
});
