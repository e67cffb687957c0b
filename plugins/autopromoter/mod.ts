import { setTimeout as delay } from "node:timers/promises";
import { cluster, definePlugin } from "hamlet";
import { promoteLearners } from "./promote_learners.ts";

/** Milliseconds between two looks: etcd tells nobody when a learner has caught up, or who leads. */
const INTERVAL = 250;

/** Gives members that join a vote, as soon as they have caught up. */
export default definePlugin({
  async run(ctx) {
    const service = await ctx.use(cluster);
    ctx.healthy();
    ctx.ready();
    while (!ctx.signal.aborted) {
      await promoteLearners(service, ctx.log, ctx.signal);
      await delay(INTERVAL, undefined, { signal: ctx.signal });
    }
  },
});
