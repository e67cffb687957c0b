import type { Logger } from "../log/logger.ts";
import type { Instance, Place } from "./place.ts";
import type { Context, Runnable } from "./types.ts";

/** What a context asks of the tree, which alone changes anything. */
export interface ContextCalls {
  /** Gives the log under a place's DN. */
  log(place: Place): Logger;
  /** Starts a group of children. */
  run(
    instance: Instance,
    runnables: readonly [name: string, runnable: Runnable][],
  ): void;
  /** Takes the signal that an instance is healthy. */
  healthy(instance: Instance): void;
  /** Takes the signal that an instance is done. */
  done(instance: Instance): void;
}

/** The context of one instance. */
export class RunContext implements Context {
  readonly #calls: ContextCalls;
  readonly #instance: Instance;

  constructor(calls: ContextCalls, instance: Instance) {
    this.#calls = calls;
    this.#instance = instance;
  }

  get dn(): string {
    return this.#instance.place.dn;
  }

  get signal(): AbortSignal {
    return this.#instance.controller.signal;
  }

  get log(): Logger {
    return this.#calls.log(this.#instance.place);
  }

  run(name: string, runnable: Runnable): void {
    this.#calls.run(this.#instance, [[name, runnable]]);
  }

  runGroup(runnables: Record<string, Runnable>): void {
    this.#calls.run(this.#instance, Object.entries(runnables));
  }

  healthy(): void {
    this.#calls.healthy(this.#instance);
  }

  done(): void {
    this.#calls.done(this.#instance);
  }
}
