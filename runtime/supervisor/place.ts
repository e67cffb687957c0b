import type { TimerHandle } from "./clock.ts";
import type { Runnable, RunnableState } from "./types.ts";

/** Where a runnable stands in the tree. It outlives the instances of the runnable that run there one after another. */
export interface Place {
  readonly dn: string;
  readonly runnable: Runnable;
  readonly group: Group;
  readonly children: Map<string, Place>;
  /** How many groups of children have not ended. */
  liveGroups: number;
  /** What runs here now. An instance is here until its promise has settled, whatever its state says. */
  instance: Instance | undefined;
  state: RunnableState;
  since: number;
  restarts: number;
  /** Deaths in a row, the exponent of the next backoff. */
  deaths: number;
  /** Forgets the deaths when it fires; set only while there are some and the runnable is well. */
  recovery: TimerHandle | undefined;
  /** What is wrong with it, or was when it died last. */
  error: string | undefined;
}

/** Places that stop together and start together. */
export interface Group {
  /** Whose children they are; the root's group has none. */
  readonly parent: Place | undefined;
  readonly members: Place[];
  phase: GroupPhase;
}

/** Where a group is in its life. */
export type GroupPhase =
  /** Every member runs, or has returned because it is done. */
  | { readonly kind: "running" }
  /** A member died or the parent ends: waits until each member and all that is below it has returned. */
  | {
    readonly kind: "stopping";
    /** The reason that the signals abort with. */
    readonly reason: unknown;
    /** How long the group then waits before it starts again, in milliseconds, if its parent still runs. */
    readonly delay: number;
    /** How many members, with all that is below each, have not ended. */
    live: number;
  }
  /** Nothing runs: waits for its backoff to be over. */
  | { readonly kind: "waiting"; readonly timer: TimerHandle }
  /** Nothing runs, and it never starts again. */
  | { readonly kind: "ended" };

/** One run of a runnable: from the call to the settling of its promise. */
export interface Instance {
  readonly place: Place;
  readonly controller: AbortController;
  /** In which it has to return, once its signal has aborted, or that it has not. */
  grace: Grace | "over" | undefined;
}

/** The grace period of instances whose signals abort at the same instant; they share its timer. */
export interface Grace {
  readonly timer: TimerHandle;
  /** Those that have not returned. */
  readonly instances: Set<Instance>;
}
