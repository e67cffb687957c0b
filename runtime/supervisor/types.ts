import type { Logger } from "../log/logger.ts";
import type { BackoffOptions } from "./backoff.ts";
import type { Clock } from "./clock.ts";

/**
 * What is supervised: it does its work until its context's signal aborts, then returns.
 *
 * It may throw at any time, and is started again. Once the signal has aborted, it is all the same whether it returns
 * or throws.
 */
export type Runnable<C extends Context = Context> = (ctx: C) => Promise<void>;

/**
 * A runnable's side of supervision. It belongs to one instance: a runnable that starts again gets a fresh one, and a
 * call on the old one, by code that was left behind, is misuse.
 */
export interface Context {
  /** The runnable's dotted name in the tree, such as `root.consensus.etcd`. */
  readonly dn: string;

  /** Aborts when the runnable is to end, which is not before all its children have returned. */
  readonly signal: AbortSignal;

  /** The log under the runnable's DN. */
  readonly log: Logger;

  /**
   * Starts a child, alone in its group: its death restarts nobody else. It does not begin before this call returns.
   *
   * @param name Its name below this runnable: 1 to 64 of `a` to `z`, `0` to `9`, `-` and `_`
   * @param runnable What it does
   * @throws {MisuseError} If the name is invalid or taken, after `done()`, or once this instance has ended
   * @throws The signal's reason, if this runnable is being canceled
   */
  run(name: string, runnable: Runnable): void;

  /**
   * Starts children that die and restart together. Either all of them are started or, if it throws, none.
   *
   * @param runnables What they do, by name
   * @throws {MisuseError} If there is none, if a name is invalid or taken, after `done()`, or once this instance has
   * ended
   * @throws The signal's reason, if this runnable is being canceled
   */
  runGroup(runnables: Record<string, Runnable>): void;

  /**
   * Says that this runnable has started and does its work. Without effect while it is being canceled.
   *
   * @throws {MisuseError} The second time, after `done()`, or once this instance has ended
   */
  healthy(): void;

  /**
   * Says that this runnable has nothing more to do, so that its return is no death. Neither `healthy()` before it nor
   * an early return after it is called for.
   *
   * Done speaks for the runnable alone: the children that it has stay supervised, for as long as it is not canceled
   * itself, and may die and restart below it. It excuses the return and nothing else: an error thrown afterwards is a
   * death like any other, since an error must not get lost. It is done until its group or its parent restarts, which
   * runs it again. Without effect while it is being canceled.
   *
   * @throws {MisuseError} The second time, or once this instance has ended
   */
  done(): void;
}

/**
 * Where a runnable is in its life.
 *
 * - `NEW`: started, or about to be; has signaled nothing yet.
 * - `HEALTHY`: has signaled that it does its work.
 * - `DONE`: has signaled that nothing is left to do; it may have returned or not.
 * - `DEAD`: returned or threw of its own accord; starts again when all that it takes along has returned, and after
 *   its backoff.
 * - `CANCELED`: returned because it was told to.
 *
 * A runnable that is told to end keeps its state until it has returned.
 */
export type RunnableState = "NEW" | "HEALTHY" | "DONE" | "DEAD" | "CANCELED";

/** What there is to know about one runnable. */
export interface RunnableStatus {
  /** Its dotted name. */
  readonly dn: string;
  /** Where it is in its life. */
  readonly state: RunnableState;
  /** How many times it was started again since its parent started it first. */
  readonly restarts: number;
  /** Since when it is in this state, in milliseconds since the epoch. */
  readonly since: number;
  /** What it died of last, or that it was canceled and does not return. */
  readonly error?: string;
}

/** Says that a runnable is no longer in the tree: its parent starts again, and may or may not start it again too. */
export interface RunnableRemoval {
  /** Its dotted name. */
  readonly dn: string;
  readonly removed: true;
}

/** How to supervise. */
export interface SupervisorOptions {
  /**
   * The DN of the root, such as `root.consensus` for a tree that hangs below another one's.
   * @default {"root"}
   */
  readonly name?: string;
  /**
   * Where time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
  /**
   * Gives a number from 0 up to, but not including, 1, for the jitter.
   * @default {Math.random}
   */
  readonly random?: () => number;
  /** Gives the log under a DN. What supervision itself has to say about a runnable comes out there too. */
  readonly log: (dn: string) => Logger;
  /**
   * How long a runnable may take to return after its signal has aborted before the log names it, in milliseconds.
   * @default {10_000}
   */
  readonly gracePeriod?: number;
  /** How long what died stays away; each field has its own default. */
  readonly backoff?: BackoffOptions;
  /**
   * Whether the root starts again when it dies. If not, its death ends the tree, and `finished` rejects: for a tree
   * that somebody else starts again as a whole.
   * @default {true}
   */
  readonly restartRoot?: boolean;
  /** Cancels the root when it aborts, with the same reason. */
  readonly signal?: AbortSignal;
  /**
   * Told of every new state, of what does not return in its grace period, and of every runnable that leaves the tree,
   * in order, never before `supervise` has returned. It may call back into the tree; what it throws is reported as
   * uncaught.
   */
  readonly onChange?: (change: RunnableStatus | RunnableRemoval) => void;
}

/** A supervised tree, seen from outside. */
export interface Supervisor {
  /**
   * Resolves when the tree has been canceled and every runnable has really returned; not when the root is done, since
   * its children may go on. Rejects with the error that the root died of, if `restartRoot` is false.
   */
  readonly finished: Promise<void>;

  /** Returns every runnable, a parent before its children, and these in the order in which they were started. */
  status(): RunnableStatus[];

  /**
   * Ends the whole tree for good, children first. A second call has no effect of its own.
   *
   * @param reason The reason of every signal it aborts
   * @default reason a `CanceledError`
   * @returns When every runnable has returned, or when those that have not were all named in the log. The parents of
   * these are then still waiting for them.
   */
  cancel(reason?: unknown): Promise<void>;

  /**
   * Kills the root from outside, for an error that belongs to none of its runnables, such as a rejection that nobody
   * awaited. It is as if the root had thrown it; if the root is dead or ends already, it is only logged.
   *
   * @param error What the root dies of
   */
  fail(error: unknown): void;
}
