import {
  type Client,
  type cluster,
  type Logger,
  ServiceError,
  ServiceGoneError,
} from "hamlet";
import { promotable } from "./promotable.ts";

/** What is needed of the cluster. */
export type Promoting = Pick<
  Client<typeof cluster>,
  "members" | "promote" | "watch"
>;

/**
 * Promotes every learner that may be, as things are now.
 *
 * @param service The cluster.
 * @param log Told of each promotion.
 * @param signal Ends it.
 * @returns Whether to look again: there are learners, whatever has become of them, or nobody could tell.
 */
export async function promoteLearners(
  service: Promoting,
  log: Logger,
  signal: AbortSignal,
): Promise<boolean> {
  let learners = true;
  try {
    const { members } = await service.members({}, { signal });
    learners = members.some(({ learner }) => learner);
    for (const { id, name } of promotable(members)) {
      await service.promote({ id }, { signal });
      log.info(`Promoted member "${name}" (${id}): it has a vote now`);
    }
  } catch (error) {
    if (
      error instanceof ServiceGoneError ||
      !(error instanceof ServiceError && QUIET.has(error.code))
    ) throw error;
  }
  return learners;
}

/** etcd is away, or the learner has not caught up yet or was removed: the next look comes soon. */
const QUIET: ReadonlySet<string> = new Set([
  "unavailable",
  "failed-precondition",
  "not-found",
]);
