import { setTimeout as delay } from "node:timers/promises";
import { cluster, definePlugin } from "hamlet";
import { promoteLearners } from "./promote_learners.ts";

/** Milliseconds between two looks at learners: etcd tells nobody when one has caught up, or who leads. */
const INTERVAL = 250;
/** The same while there are none: a new one needs as long to catch up, and each look costs a lone node. */
const IDLE_INTERVAL = 1_000;

/** Gives members that join a vote, as soon as they have caught up. */
export default definePlugin({
  async run(ctx) {
    const service = await ctx.use(cluster);
    ctx.healthy();
    ctx.ready();
    while (!ctx.signal.aborted) {
      const learners = await promoteLearners(service, ctx.log, ctx.signal);
      const interval = learners ? INTERVAL : IDLE_INTERVAL;
      await delay(interval, undefined, { signal: ctx.signal });
    }
  },
});
