import type { Logger } from "hamlet";
import { promoteLearners, type Promoting } from "./promote_learners.ts";

/**
 * Milliseconds between two looks while there are learners: etcd tells nobody when one has caught up. One that lives is
 * heard in between, since it answers a heartbeat every 100 ms.
 */
const INTERVAL = 150;

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
 * Promotes learners within a second of the time from which etcd accepts that. That one is heard is known from the
 * second look at it on: {@linkcode INTERVAL}, and the time until the cluster tells of it, stay below that.
 *
 * @param service The cluster.
 * @param options See {@linkcode KeepPromotingOptions}.
 */
export async function keepPromoting(
  service: Promoting,
  { log, signal, wait }: KeepPromotingOptions,
): Promise<void> {
  for await (const _change of service.watch({}, { signal })) {
    while (!signal.aborted && await promoteLearners(service, log, signal)) {
      await wait(INTERVAL);
    }
  }
}
