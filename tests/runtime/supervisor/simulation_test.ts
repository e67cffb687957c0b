import assert from "node:assert/strict";
import { seeded } from "../../support/seeded.ts";
import {
  type Context,
  MisuseError,
  type Runnable,
  type RunnableStatus,
} from "../../../runtime/supervisor/mod.ts";
import { aborted, Harness, listenersOn, pause } from "./harness.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A runnable of the simulated tree. */
interface Spec {
  readonly name: string;
  /** The groups of its children. */
  readonly groups: readonly (readonly Spec[])[];
}

/** A run of a runnable that has not returned. */
interface Running {
  readonly group: readonly Spec[];
  readonly since: number;
}

/** A tree whose runnables fail in every way they can, and the checks that must hold whatever they do. */
class Simulation {
  readonly harness = new Harness();
  readonly random: () => number;
  readonly tree: Spec;
  /** By DN. */
  readonly running = new Map<string, Running>();
  readonly ended: Context[] = [];
  readonly met = new Map<string, number>();
  /** Timers that runnables wait for, so that those of supervision can be told from them. */
  sleeping = 0;
  /** While it lasts, nobody fails. */
  calm = false;

  constructor(seed: number) {
    this.random = seeded(seed);
    this.tree = this.#spec("root", 0);
  }

  /** Every DN of the tree when nothing is missing. */
  dns(spec: Spec = this.tree, prefix = ""): string[] {
    const dn = prefix + spec.name;
    return [
      dn,
      ...spec.groups.flat().flatMap((child) => this.dns(child, `${dn}.`)),
    ];
  }

  runnable(spec: Spec, group: readonly Spec[]): Runnable {
    return async (ctx) => {
      this.#assertAlone(ctx.dn, group);
      this.running.set(ctx.dn, { group, since: this.harness.clock.now() });
      try {
        await this.#live(ctx, spec);
      } finally {
        this.running.delete(ctx.dn);
        this.ended.push(ctx);
        if (this.ended.length > 100) this.ended.shift();
      }
    };
  }

  /** Picks one of the things that may happen, and counts it. */
  pick<T extends string>(
    ...choices: readonly (readonly [choice: T, weight: number])[]
  ): T {
    let left = this.random() *
      choices.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [choice, weight] of choices) {
      left -= weight;
      if (left < 0) {
        this.met.set(choice, (this.met.get(choice) ?? 0) + 1);
        return choice;
      }
    }
    throw new Error("No choice");
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.sleeping += 1;
    await pause(this.harness.clock, ms, signal);
    this.sleeping -= 1;
  }

  /** A call on a context whose instance has ended is misuse, whatever runs in its place by now. */
  callFromOutside(): void {
    const ctx = this.ended[Math.floor(this.random() * this.ended.length)];
    if (ctx === undefined) return;
    assert.throws(() => ctx.healthy(), MisuseError);
    assert.throws(() => ctx.run("late", () => Promise.resolve()), MisuseError);
  }

  async #live(ctx: Context, spec: Spec): Promise<void> {
    const ending = this.pick(
      ["returns in time", 80],
      ["hangs for a while", 15],
      ["throws when canceled", 10],
    );
    try {
      await this.#work(ctx, spec);
    } finally {
      if (ctx.signal.aborted && ending === "hangs for a while") {
        await this.sleep(
          this.random() * 30 * second,
          new AbortController().signal,
        );
      }
    }
    if (ctx.signal.aborted && ending === "throws when canceled") {
      throw new Error("Threw when canceled");
    }
  }

  async #work(ctx: Context, spec: Spec): Promise<void> {
    if (
      !this.calm &&
      this.pick(["starts well", 9], ["dies before its children start", 1])
        .startsWith("dies")
    ) {
      throw new Error("Died early");
    }
    for (const group of spec.groups) {
      if (
        this.pick(["starts a child at once", 3], ["starts a child late", 1])
          .endsWith("late")
      ) {
        await this.sleep(this.random() * second, ctx.signal);
        if (ctx.signal.aborted) return;
      }
      ctx.runGroup(
        Object.fromEntries(
          group.map((child) => [child.name, this.runnable(child, group)]),
        ),
      );
    }
    await this.sleep(this.random() * 2 * second, ctx.signal);
    if (ctx.signal.aborted) return;
    ctx.healthy();
    if (this.pick(["goes on", 9], ["is done", 1]) === "is done") {
      ctx.done();
      if (this.random() < 0.5) await aborted(ctx.signal);
      return;
    }
    while (true) {
      // Half of them live for seconds, so that deaths meet restarts and cancellations that are under way.
      await this.sleep(
        this.random() ** 2 * (this.random() < 0.5 ? minute : hour),
        ctx.signal,
      );
      if (ctx.signal.aborted) return;
      if (this.calm) await aborted(ctx.signal);
      else if (this.random() < 0.5) break;
    }
    switch (
      this.pick(["returns", 2], ["throws", 4], ["misuses its context", 1], [
        "throws after done",
        1,
      ])
    ) {
      case "returns":
        return;
      case "throws":
        throw new Error("Died");
      case "misuses its context":
        ctx.healthy();
        throw new Error("healthy did not throw");
      case "throws after done":
        ctx.done();
        throw new Error("Died after done");
    }
  }

  /** Nothing starts while an old instance of it, of its group, or of what is below any of these still runs. */
  #assertAlone(dn: string, group: readonly Spec[]): void {
    const parent = dn.slice(0, Math.max(0, dn.lastIndexOf(".") + 1));
    const now = this.harness.clock.now();
    for (const { name } of group) {
      const sibling = parent + name;
      const old = this.running.get(sibling);
      assert.ok(
        old === undefined || (sibling !== dn && old.since === now),
        `${dn} started while an old ${sibling} ran`,
      );
    }
    for (const below of this.running.keys()) {
      assert.ok(
        !below.startsWith(`${dn}.`),
        `${dn} started while an old ${below} ran`,
      );
    }
  }

  #spec(name: string, depth: number): Spec {
    const groups = depth === 3
      ? 0
      : depth === 0
      ? 5
      : Math.floor(this.random() * 3);
    return {
      name,
      groups: Array.from(
        { length: groups },
        (_, g) =>
          Array.from(
            { length: 1 + Math.floor(this.random() * 3) },
            (_, i) => this.#spec(`g${g}m${i}`, depth + 1),
          ),
      ),
    };
  }
}

/** A state in which a runnable stays if nobody fails. */
function atRest({ state }: RunnableStatus): boolean {
  return state === "HEALTHY" || state === "DONE";
}

Deno.test("supervise() gets through 24 hours of random failures", async () => {
  const simulation = new Simulation(2_024);
  const { harness, random, running } = simulation;
  const { clock } = harness;
  const dns = simulation.dns().sort();
  assert.ok(dns.length > 30, `A tree of ${dns.length} says little`);
  let restarts = 0;

  const start = () => {
    const controller = new AbortController();
    const listeners = listenersOn(controller.signal);
    const supervisor = harness.supervise(
      simulation.runnable(simulation.tree, [simulation.tree]),
      {
        random,
        signal: controller.signal,
        onChange: (change) => {
          if (
            "state" in change && change.state === "NEW" && change.restarts > 0
          ) restarts += 1;
        },
      },
    );
    assert.equal(listeners(), 1);
    return { supervisor, controller, listeners };
  };

  let { supervisor, controller, listeners } = start();
  for (let hours = 0; hours < 24; hours += 1) {
    simulation.calm = false;
    for (const calm = clock.now() + 45 * minute; clock.now() < calm;) {
      await clock.advance(random() * minute);
      simulation.callFromOutside();
      if (random() < 0.03) supervisor.fail(new Error("Nobody awaited"));
      assert.ok(
        clock.pending - simulation.sleeping <= 2 * dns.length,
        "Timers pile up",
      );
    }
    if (random() < 0.5) {
      // Canceled in the middle of it all.
      if (random() < 0.5) controller.abort();
      const canceled = supervisor.cancel();
      if (random() < 0.5) supervisor.fail(new Error("Too late"));
      await clock.advance(5 * minute);
      await canceled;
      await supervisor.finished;
      assert.equal(running.size, 0);
      assert.equal(clock.pending, 0);
      assert.equal(listeners(), 0);
      ({ supervisor, controller, listeners } = start());
    }
    simulation.calm = true;
    await clock.advance(15 * minute);
    const statuses = supervisor.status();
    assert.deepEqual(
      statuses.filter((status) => !atRest(status)),
      [],
      `Not at rest after hour ${hours}`,
    );
    assert.deepEqual(statuses.map(({ dn }) => dn).sort(), dns);
    for (const { dn, state } of statuses) {
      assert.ok(state === "DONE" || running.has(dn), `${dn} does not run`);
    }
    assert.equal(
      clock.pending,
      simulation.sleeping,
      "Supervision left a timer",
    );
  }
  await Promise.all([supervisor.cancel(), clock.advance(5 * minute)]);
  await supervisor.finished;
  assert.equal(running.size, 0);
  assert.equal(clock.pending, 0);
  assert.equal(simulation.sleeping, 0);
  assert.equal(listeners(), 0);

  assert.ok(clock.now() >= 1_000_000 + 24 * hour);
  assert.ok(restarts > 10_000, `Only ${restarts} restarts`);
  for (const [what, times] of simulation.met) {
    assert.ok(times > 20, `"${what}" happened only ${times} times`);
  }
});
