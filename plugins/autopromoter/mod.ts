import { setTimeout as delay } from "node:timers/promises";
import {
  type Client,
  cluster,
  definePlugin,
  type Logger,
  ServiceError,
} from "hamlet";
import { promotable } from "./promotable.ts";

/** Milliseconds: etcd tells nobody when a learner has caught up, or who leads. */
const INTERVAL = 250;

/** Gives members that join a vote, as soon as they have caught up. */
export default definePlugin({
  async run(ctx) {
    const service = await ctx.use(cluster);
    ctx.healthy();
    ctx.ready();
    while (!ctx.signal.aborted) {
      await promoteAll(service, ctx.log, ctx.signal);
      await delay(INTERVAL, undefined, { signal: ctx.signal });
    }
  },
});

async function promoteAll(
  service: Client<typeof cluster>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { members } = await service.members({}, { signal });
    for (const { id, name } of promotable(members)) {
      await service.promote({ id }, { signal });
      log.info(`Promoted member "${name}" (${id}): it has a vote now`);
    }
  } catch (error) {
    // etcd is away, or the learner has not caught up yet: the next look comes soon.
    if (!(error instanceof ServiceError && QUIET.has(error.code))) throw error;
  }
}

const QUIET: ReadonlySet<string> = new Set([
  "unavailable",
  "failed-precondition",
  "not-found",
]);
