import type { Logger } from "hamlet";
import { promoteLearners, type Promoting } from "./promote_learners.ts";

/**
 * Milliseconds between two looks at learners: etcd tells nobody when one has caught up, or who leads. A learner that
 * lives is heard in between, since it answers a heartbeat every 100 ms.
 */
const INTERVAL = 150;
/**
 * The same while there are none, since each look costs a lone node. That a learner is heard is known from the second
 * look at it on: the two intervals together, and what the calls take, stay below a second.
 */
const IDLE_INTERVAL = 700;

/** Options of {@linkcode keepPromoting}. */
export interface KeepPromotingOptions {
  /** Told of each promotion. */
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Waits so many milliseconds. */
  wait(milliseconds: number): Promise<void>;
}

/**
 * Promotes learners within a second of the time from which etcd accepts that.
 *
 * @param service The cluster.
 * @param options See {@linkcode KeepPromotingOptions}.
 */
export async function keepPromoting(
  service: Promoting,
  { log, signal, wait }: KeepPromotingOptions,
): Promise<void> {
  while (!signal.aborted) {
    const learners = await promoteLearners(service, log, signal);
    await wait(learners ? INTERVAL : IDLE_INTERVAL);
  }
}
