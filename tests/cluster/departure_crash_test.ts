import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { kv, membership } from "../../mod.ts";
import { decodeNode } from "../../plugins/curator/server/nodes_store.ts";
import { formatToken, parseToken } from "../../plugins/curator/token.ts";
import { Pending } from "../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { seeded } from "../support/seeded.ts";
import { invite, members, nodeNames } from "./support/grow.ts";
import type { Host } from "./support/host.ts";
import { Lab } from "./support/lab.ts";
import { Mortal } from "./support/mortal.ts";
import { until } from "./support/until.ts";
import { write } from "./support/writes.ts";

/** The steps of a member while a node joins, and while it is taken out. */
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

/** Who dies, and where: at a step of that name, or so many milliseconds after the begin. */
interface Death {
  readonly who: "member" | "node";
  readonly at: string | number;
}

/** What a node does while it joins, and what it does when it is taken out, and at no other time after its start. */
interface NodeSteps {
  readonly join: readonly string[];
  readonly removal: readonly string[];
}

/** Chooses who dies in a round: of a join where its number is even, else of the removal that follows. */
type Draw = (round: number) => Death;

/** Lets a node join and go, and notes what it does. */
async function nodeSteps(one: Host, three: Host): Promise<NodeSteps> {
  const list = { HAMLET_FAILPOINT: "list" };
  const joining = await three.join(await invite(one, "member"), list);
  await joining.ready();
  const join = failpoints(joining.log);
  await joining.stop();
  const leaving = three.start([], list);
  await leaving.ready();
  const before = failpoints(leaving.log);
  await one.hamlet("remove", "three");
  await leaving.logged(REMOVED);
  const removal = failpoints(leaving.log).difference(before);
  await leaving.stop();
  // Sorted, so that a seed chooses the same again.
  return { join: [...join].sort(), removal: [...removal].sort() };
}

function failpoints(log: string): Set<string> {
  const found = log.matchAll(
    /"message":"Failpoint (?:\\"|)(.*?)(?:\\"|)","/g,
  );
  return new Set(Array.from(found, ([, name = ""]) => name));
}

const REMOVED = /cluster has removed (it|this node)/;

/** Chooses as `HAMLET_SEED` says, or in a way that this can say again. */
function draws(steps: NodeSteps, seed: number): Draw {
  const random = seeded(seed);
  const any = <T>(of: readonly T[]): T => {
    const chosen = of[Math.floor(random() * of.length)];
    assert(chosen !== undefined);
    return chosen;
  };
  const drawn: Death[] = [];
  return (round) => {
    while (drawn.length <= round) {
      const joins = drawn.length % 2 === 0;
      const who = any(["member", "node"] as const);
      const names = who === "member"
        ? joins ? JOIN : REMOVAL
        : steps[joins ? "join" : "removal"];
      const at = any([any(names), Math.floor(random() * REMOVAL_MS)]);
      // How long a join takes depends on too much.
      drawn.push({ who, at: joins ? any(names) : at });
    }
    const death = drawn[round];
    assert(death !== undefined);
    return death;
  };
}

/** The step of which somebody dies in a round; empty where it is somebody else, or no step. */
function stepOf(who: Death["who"], death: Death): string {
  return death.who === who && typeof death.at === "string" ? death.at : "";
}

/** Invites a member, which is to ask this host and no other. */
async function tokenOf(host: Host): Promise<string> {
  let token = "";
  // One that has just started again has to say first where it is.
  await until(`a token names ${host.name}`, async () => {
    const made = await host.client.call(membership, "invite", {
      role: "member",
      ttl: 3600,
      uses: 1,
    });
    const all = parseToken(made.token);
    const endpoints = all.endpoints.filter(({ address }) =>
      address === host.address
    );
    if (endpoints.length === 0) return false;
    token = formatToken({ ...all, endpoints });
    return true;
  }, host.explain);
  return token;
}

async function remove(host: Host, node: string): Promise<void> {
  const { signal } = new AbortController();
  await Array.fromAsync(
    host.client.stream(membership, "remove", { node }, signal),
  );
}

/** All that the rounds wrote, as a host has it. */
async function readAll(host: Host): Promise<Map<string, string>> {
  const { kvs } = await host.client.call(kv, "range", { prefix: "/test/" });
  return new Map(
    kvs.map(({ key, value }) => [key, new TextDecoder().decode(value)]),
  );
}

/** Waits until each of the hosts sees them all as members with a vote, and nothing waits to be gone on with. */
async function whole(...hosts: readonly Mortal[]): Promise<void> {
  const names = hosts.map(({ host }) => host.name).sort();
  for (const { host } of hosts) {
    await until(`${host.name} sees that ${names} are the cluster`, async () => {
      const { ready, members } = await host.client.status();
      const { kvs } = await host.client.call(kv, "range", {
        prefix: "/nodes/",
      });
      const records = kvs.map(decodeNode);
      return ready && members.length === hosts.length &&
        members.every(({ learner }) => !learner) &&
        records.map(({ name }) => name).sort().join() === names.join() &&
        records.every(({ pending }) => pending === Pending.UNSPECIFIED);
    }, host.explain);
  }
}

function deathsOf(those: readonly Mortal[]): number {
  return those.reduce((sum, { deaths }) => sum + deaths, 0);
}

/** Lets somebody die: at the step that he is armed with, or now, or where he gets past it. */
async function dies(
  those: readonly Mortal[],
  before: number,
  at: Death["at"],
  past: () => boolean | Promise<boolean>,
): Promise<void> {
  const [first] = those;
  assert(first);
  if (typeof at === "number") await delay(at);
  else {
    await until(
      `${first.host.name} dies at "${at}"`,
      async () => deathsOf(those) > before || await past(),
      first.host.explain,
    );
  }
  if (deathsOf(those) === before) await first.host.node.kill();
}

Deno.test("joins and removals that are killed anywhere, on either side, leave a whole cluster with all that was written", async () => {
  await using lab = await Lab.open();
  const hosts = await members(lab, "one", "two");
  const steps = await nodeSteps(hosts[0], await lab.host("three"));
  assert(steps.join.length > 0 && steps.removal.length > 0);
  const [thirdHost] = lab.hosts.slice(2);
  assert(thirdHost);
  using one = new Mortal(hosts[0]);
  using two = new Mortal(hosts[1]);
  using three = new Mortal(thirdHost);
  one.watch();
  two.watch();

  const seed = Number(Deno.env.get("HAMLET_SEED") ?? Date.now() % 1_000_000);
  const draw = draws(steps, seed);
  const written = new Map<string, string>();
  const note = async (host: Host, key: string, text: string) => {
    await write(host, key, text);
    written.set(key, text);
  };

  async function join(death: Death, next: Death): Promise<void> {
    for (const folder of [three.host.data, three.host.run]) {
      await Deno.remove(folder, { recursive: true });
    }
    // By then the node knows both, and asks any.
    const asked = death.at === "learner added" ? [one, two] : [one];
    const those = death.who === "member" ? asked : [three];
    if (death.who === "member") {
      for (const host of those) await host.arm(stepOf("member", death));
    }
    // For the start after that.
    one.next = stepOf("member", next);
    two.next = "";
    const before = deathsOf(those);
    three.next = stepOf("node", death);
    await three.join(await tokenOf(one.host));
    three.next = "";
    await dies(those, before, death.at, async () => {
      const { ready, members } = await three.host.client.status();
      return ready && members.length === 3;
    });
  }

  async function removal(death: Death): Promise<void> {
    const those = death.who === "member" ? [one] : [three];
    for (const host of those) await host.arm(stepOf(death.who, death));
    one.next = "";
    three.next = "";
    const before = deathsOf(those);
    const log = three.host.log.length;
    const says = () => REMOVED.test(three.host.log.slice(log));
    const command = remove(one.host, "three").catch(() => {});
    await dies(those, before, death.at, says);
    await command;
    await one.host.node.ready();
    await until("it is decided", async () => {
      const { kvs } = await two.host.client.call(kv, "range", {
        prefix: "/nodes/",
      });
      return kvs.map(decodeNode).every(({ pending }) =>
        pending === Pending.UNSPECIFIED
      );
    }, one.host.explain);
    if ((await nodeNames(one.host)).includes("three")) {
      await remove(one.host, "three");
    }
    await until("the node learns of it", says, one.host.explain);
  }

  const rounds = Number(Deno.env.get("HAMLET_ROUNDS") ?? 10);
  for (let round = 0; round < rounds; round++) {
    const joins = round % 2 === 0;
    const death = draw(round);
    const what = `seed ${seed}, round ${round}: the ${death.who} dies ${
      joins ? "of a join" : "of a removal"
    } at ${death.at}`;
    // deno-lint-ignore no-console -- Without it, a failure could not be repeated.
    console.log(what);
    await note(one.host, `/test/${round}`, what);
    await (joins ? join(death, draw(round + 1)) : removal(death));
    await note(two.host, `/test/${round}/after`, what);
    if (joins) await whole(one, two, three);
    else {
      await whole(one, two);
      await three.host.node.stop();
    }
    for (const { host } of joins ? [one, two, three] : [one, two]) {
      assert.deepEqual(await readAll(host), written);
    }
  }
});
