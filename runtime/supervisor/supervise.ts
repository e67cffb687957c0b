import type { Logger } from "../log/logger.ts";
import {
  backoffDelay,
  type BackoffOptions,
  defaultBackoff,
} from "./backoff.ts";
import { type Clock, systemClock } from "./clock.ts";
import {
  CanceledError,
  describeError,
  MisuseError,
  UnexpectedReturnError,
} from "./errors.ts";
import type { Grace, Group, Instance, Place } from "./place.ts";
import { type ContextCalls, RunContext } from "./run_context.ts";
import type {
  Runnable,
  RunnableRemoval,
  RunnableState,
  RunnableStatus,
  Supervisor,
  SupervisorOptions,
} from "./types.ts";

const validName = /^[a-z0-9_-]{1,64}$/;

/**
 * Runs a runnable and everything it starts, until it is canceled.
 *
 * @param root What to run; it begins after this call has returned
 * @param options How to supervise it
 * @returns The tree, seen from outside
 * @throws {MisuseError} If the root's name is not a valid DN
 *
 * @example Usage
 * ```ts
 * import { supervise } from "./mod.ts";
 *
 * const silent = { debug() {}, info() {}, warn() {}, error() {} };
 * const supervisor = supervise(async (ctx) => {
 *   ctx.run("ticker", async (ctx) => {
 *     const timer = setInterval(() => ctx.log.info("Tick"), 1_000);
 *     ctx.healthy();
 *     await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
 *     clearInterval(timer);
 *   });
 *   ctx.done();
 *   await Promise.resolve();
 * }, { log: () => silent });
 * await supervisor.cancel();
 * ```
 */
export function supervise(
  root: Runnable,
  options: SupervisorOptions,
): Supervisor {
  return new SupervisionTree(root, options);
}

/** How an instance ended. */
type Outcome =
  | { readonly kind: "returned" }
  | { readonly kind: "threw"; readonly error: unknown };

/**
 * The only writer of the tree. Every change begins in one of the entry points below and is complete before anything
 * outside hears of it: aborting a signal, logging and telling `onChange` run code that may call back in, so they are
 * put off as effects until the change is made.
 *
 * A change costs as much as it has runnables to touch: none of it searches the tree.
 */
class SupervisionTree implements Supervisor {
  readonly finished: Promise<void>;
  readonly #finished = Promise.withResolvers<void>();
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #gracePeriod: number;
  readonly #backoff: Required<BackoffOptions>;
  readonly #root: Place;
  readonly #calls: ContextCalls;
  readonly #effects: (() => void)[] = [];
  readonly #onAbort = () => void this.cancel(this.#options.signal?.reason);
  #takingEffect = false;
  /** Set once the tree has been canceled; resolved when nobody is left to wait for. */
  #cancellation: PromiseWithResolvers<void> | undefined;
  /** What the root died of, if it does not start again. */
  #fatal: { readonly error: unknown } | undefined;
  /** How many aborted instances may still return in time. */
  #inGrace = 0;
  /** The grace period of what the change being made aborts. */
  #grace: Grace | undefined;

  constructor(root: Runnable, options: SupervisorOptions) {
    const dn = options.name ?? "root";
    if (!dn.split(".").every((name) => validName.test(name))) {
      throw new MisuseError(
        dn,
        "supervise",
        "every part of the name must match " + validName.source,
      );
    }
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#gracePeriod = options.gracePeriod ?? 10_000;
    this.#backoff = { ...defaultBackoff, ...options.backoff };
    this.#calls = {
      log: (place) => this.#options.log(place.dn),
      run: (instance, runnables) => this.#run(instance, runnables),
      healthy: (instance) => this.#signal(instance, "HEALTHY"),
      done: (instance) => this.#signal(instance, "DONE"),
    };
    this.finished = this.#finished.promise;
    // Nobody needs to wait for it: the root's death is in the log, and onChange is told.
    this.finished.catch(() => {});

    this.#root = this.#newPlace(dn, root, {
      parent: undefined,
      members: [],
      phase: { kind: "running" },
    });
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    // Whoever is told wants to ask the supervisor, which they do not have yet. This is still before the root begins.
    queueMicrotask(() => {
      if (options.signal?.aborted) this.#onAbort();
      this.#takeEffect();
    });
    this.#start(this.#root.group);
  }

  status(): RunnableStatus[] {
    return subtree(this.#root).map(statusOf);
  }

  cancel(
    reason: unknown = new CanceledError("The tree is canceled"),
  ): Promise<void> {
    if (this.#cancellation === undefined) {
      this.#cancellation = Promise.withResolvers();
      this.#stop(this.#root.group, reason, 0);
      this.#takeEffect();
    }
    return this.#cancellation.promise;
  }

  fail(error: unknown): void {
    if (this.#root.group.phase.kind === "running") {
      this.#die(this.#root, error);
    } else {
      this.#log(
        this.#root,
        "warn",
        `Failed while it was not running: ${describeError(error)}`,
        { error },
      );
    }
    this.#takeEffect();
  }

  /** Entry point: `run` and `runGroup` of a context. */
  #run(
    instance: Instance,
    runnables: readonly [name: string, runnable: Runnable][],
  ): void {
    const { place } = instance;
    const misuse = (problem: string) =>
      new MisuseError(
        place.dn,
        `run ${runnables.map(([name]) => `"${name}"`).join(", ")}`,
        problem,
      );
    if (place.instance !== instance) {
      throw misuse("this instance of it has ended");
    }
    if (place.group.phase.kind === "stopping") throw place.group.phase.reason;
    if (place.state === "DONE") throw misuse("it has signaled done");
    if (runnables.length === 0) throw misuse("the group is empty");
    for (const [name] of runnables) {
      if (!validName.test(name)) {
        throw misuse(`the name "${name}" does not match ${validName.source}`);
      }
      if (place.children.has(name)) throw misuse(`the name "${name}" is taken`);
    }

    const group: Group = {
      parent: place,
      members: [],
      phase: { kind: "running" },
    };
    for (const [name, runnable] of runnables) {
      place.children.set(
        name,
        this.#newPlace(`${place.dn}.${name}`, runnable, group),
      );
    }
    place.liveGroups += 1;
    this.#start(group);
    this.#takeEffect();
  }

  /** Entry point: `healthy` and `done` of a context. */
  #signal(instance: Instance, state: "HEALTHY" | "DONE"): void {
    const { place } = instance;
    const misuse = (problem: string) =>
      new MisuseError(place.dn, `signal ${state.toLowerCase()}`, problem);
    if (place.instance !== instance) {
      throw misuse("this instance of it has ended");
    }
    // Not misuse: it cannot know yet.
    if (place.group.phase.kind === "stopping") return;
    if (place.state === "DONE" || place.state === state) {
      throw misuse(`it has signaled ${place.state.toLowerCase()} before`);
    }

    this.#enter(place, state);
    if (place.deaths > 0 && place.recovery === undefined) {
      place.recovery = this.#clock.setTimeout(() => {
        place.recovery = undefined;
        place.deaths = 0;
      }, this.#backoff.resetAfter);
    }
    this.#takeEffect();
  }

  /** Entry point: the promise of an instance has settled. */
  #returned(instance: Instance, outcome: Outcome): void {
    const { place } = instance;
    const { phase } = place.group;
    place.instance = undefined;
    this.#leaveGrace(instance);
    if (phase.kind === "stopping") {
      if (
        outcome.kind === "threw" && !isCancellation(outcome.error, phase.reason)
      ) {
        const { error } = outcome;
        this.#log(
          place,
          "info",
          `Threw while it was being canceled: ${describeError(error)}`,
          { error },
        );
      }
      if (place.state === "NEW" || place.state === "HEALTHY") {
        this.#enter(place, "CANCELED");
      }
      this.#proceed(place);
    } else if (outcome.kind === "threw") {
      this.#die(place, outcome.error);
    } else if (place.state !== "DONE") {
      this.#die(place, new UnexpectedReturnError(place.dn));
    }
    this.#takeEffect();
  }

  /** Entry point: the backoff of a group is over. */
  #restart(group: Group): void {
    for (const place of group.members) {
      for (
        const below of this.#options.onChange === undefined
          ? []
          : subtree(place).slice(1).reverse()
      ) {
        this.#tell({ dn: below.dn, removed: true });
      }
      place.children.clear();
      place.restarts += 1;
      this.#log(place, "debug", "Starts again");
    }
    this.#start(group);
    this.#takeEffect();
  }

  /** Entry point: a grace period is over. */
  #overdue(instances: ReadonlySet<Instance>): void {
    for (const instance of instances) {
      const { place } = instance;
      instance.grace = "over";
      place.error = `Has not returned ${
        this.#gracePeriod / 1_000
      } s after it was canceled`;
      this.#log(
        place,
        "error",
        `${place.error}; nothing that waits for it can end or start again`,
      );
      this.#tell(statusOf(place));
    }
    this.#inGrace -= instances.size;
    this.#takeEffect();
  }

  #newPlace(dn: string, runnable: Runnable, group: Group): Place {
    const place: Place = {
      dn,
      runnable,
      group,
      children: new Map(),
      liveGroups: 0,
      instance: undefined,
      state: "NEW",
      since: 0,
      restarts: 0,
      deaths: 0,
      recovery: undefined,
      error: undefined,
    };
    group.members.push(place);
    return place;
  }

  /** Starts every member of a group of which nothing runs. */
  #start(group: Group): void {
    group.phase = { kind: "running" };
    for (const place of group.members) {
      const instance: Instance = {
        place,
        controller: new AbortController(),
        grace: undefined,
      };
      place.instance = instance;
      this.#enter(place, "NEW");
      void this.#execute(instance);
    }
  }

  async #execute(instance: Instance): Promise<void> {
    const { place, controller } = instance;
    let outcome: Outcome = { kind: "returned" };
    try {
      // No runnable begins inside the call that started it.
      await undefined;
      if (!controller.signal.aborted) {
        await place.runnable(new RunContext(this.#calls, instance));
      }
    } catch (error) {
      outcome = { kind: "threw", error };
    }
    this.#returned(instance, outcome);
  }

  /** Declares a member of a running group dead, and takes along what has to go with it. */
  #die(place: Place, error: unknown): void {
    const delay = backoffDelay(place.deaths, this.#backoff, this.#random);
    const text = describeError(error);
    const again = place.error === text;
    place.deaths += 1;
    place.error = text;
    this.#enter(place, "DEAD");
    if (place === this.#root && this.#options.restartRoot === false) {
      this.#fatal = { error };
      this.#log(place, "error", `Died: ${text}`, { error });
    } else {
      const seconds = (delay / 1_000).toFixed(1);
      // What it dies of every time is told once.
      if (again) {
        this.#log(
          place,
          "warn",
          `Died of the same again, starts again in ${seconds} s`,
        );
      } else {
        this.#log(
          place,
          "error",
          `Died, starts again in ${seconds} s: ${text}`,
          { error },
        );
      }
    }
    this.#stop(
      place.group,
      new CanceledError(`"${place.dn}" died`, { cause: error }),
      delay,
    );
  }

  /** Lets a group end, with all that is below it: whatever has no children is told now, the others when these have returned. */
  #stop(group: Group, reason: unknown, delay: number): void {
    const groups = [group];
    for (let at = groups.pop(); at !== undefined; at = groups.pop()) {
      if (at.phase.kind === "waiting") {
        this.#clock.clearTimeout(at.phase.timer);
        this.#end(at);
        if (at.parent !== undefined) this.#proceed(at.parent);
      } else if (at.phase.kind === "running") {
        at.phase = { kind: "stopping", reason, delay, live: at.members.length };
        for (const place of at.members) {
          if (place.recovery !== undefined) {
            this.#clock.clearTimeout(place.recovery);
          }
          place.recovery = undefined;
          // A group is met once for each of its members here, and has stopped already from the second time on.
          for (const child of place.children.values()) groups.push(child.group);
          if (place.liveGroups === 0) this.#proceed(place);
        }
      }
    }
  }

  /**
   * Takes the next step in ending a member of a stopping group, and from there towards the root as far as nothing
   * runs: its children return first, then it is told and returns, then its group is complete.
   */
  #proceed(place: Place): void {
    for (
      let at: Place | undefined = place;
      at !== undefined;
      at = at.group.parent
    ) {
      const { group, instance } = at;
      if (at.liveGroups > 0 || group.phase.kind !== "stopping") return;
      if (instance !== undefined) {
        this.#abort(instance, group.phase.reason);
        return;
      }
      group.phase.live -= 1;
      if (group.phase.live > 0) return;
      if (this.#startsAgain(group)) {
        group.phase = {
          kind: "waiting",
          timer: this.#clock.setTimeout(
            () => this.#restart(group),
            group.phase.delay,
          ),
        };
        return;
      }
      this.#end(group);
    }
  }

  /** The one decision about restarts: everything that stopped starts again, unless what it belongs to ends. */
  #startsAgain({ parent }: Group): boolean {
    if (parent !== undefined) return parent.group.phase.kind === "running";
    return this.#cancellation === undefined && this.#fatal === undefined;
  }

  /** Ends a group of which nothing runs for good. */
  #end(group: Group): void {
    group.phase = { kind: "ended" };
    if (group.parent !== undefined) {
      group.parent.liveGroups -= 1;
      return;
    }
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    if (this.#fatal === undefined) this.#finished.resolve();
    else this.#finished.reject(this.#fatal.error);
  }

  #abort(instance: Instance, reason: unknown): void {
    if (this.#grace === undefined) {
      const instances = new Set<Instance>();
      const timer = this.#clock.setTimeout(
        () => this.#overdue(instances),
        this.#gracePeriod,
      );
      this.#grace = { instances, timer };
    }
    this.#grace.instances.add(instance);
    instance.grace = this.#grace;
    this.#inGrace += 1;
    this.#effects.push(() => instance.controller.abort(reason));
  }

  #leaveGrace(instance: Instance): void {
    const { grace } = instance;
    if (grace === undefined) return;
    if (grace === "over") {
      this.#log(
        instance.place,
        "warn",
        "Returned at last, long after it was canceled",
      );
      return;
    }
    this.#inGrace -= 1;
    grace.instances.delete(instance);
    if (grace.instances.size === 0) this.#clock.clearTimeout(grace.timer);
  }

  #enter(place: Place, state: RunnableState): void {
    place.state = state;
    place.since = this.#clock.now();
    if (this.#options.onChange !== undefined) this.#tell(statusOf(place));
  }

  #tell(change: RunnableStatus | RunnableRemoval): void {
    this.#effects.push(() => this.#options.onChange?.(change));
  }

  #log(
    place: Place,
    level: keyof Logger,
    message: string,
    properties?: Record<string, unknown>,
  ): void {
    this.#effects.push(() =>
      this.#options.log(place.dn)[level](message, properties)
    );
  }

  /** The end of every entry point: now that the tree is as it should be, those outside hear of it, in order. */
  #takeEffect(): void {
    this.#grace = undefined;
    // A call back from an effect leaves its own effects to the loop that it came from.
    if (this.#takingEffect) return;
    this.#takingEffect = true;
    for (const effect of this.#effects) {
      try {
        effect();
      } catch (error) {
        reportError(error);
      }
    }
    this.#effects.length = 0;
    this.#takingEffect = false;
    if (this.#inGrace === 0) this.#cancellation?.resolve();
  }
}

/** A place and all that is below it, a parent before its children. */
function subtree(place: Place): Place[] {
  const found: Place[] = [];
  const open = [place];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    found.push(at);
    for (const child of [...at.children.values()].reverse()) open.push(child);
  }
  return found;
}

function statusOf(
  { dn, state, restarts, since, error }: Place,
): RunnableStatus {
  return {
    dn,
    state,
    restarts,
    since,
    ...(error === undefined ? {} : { error }),
  };
}

/** Whether an error only passes on that its thrower was canceled. */
function isCancellation(error: unknown, reason: unknown): boolean {
  return error === reason ||
    (error instanceof Error && error.name === "AbortError");
}
