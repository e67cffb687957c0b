import { setTimeout as delay } from "node:timers/promises";
import { cluster, definePlugin } from "hamlet";
import { keepPromoting } from "./keep_promoting.ts";

/** Gives members that join a vote, as soon as they have caught up. */
export default definePlugin({
  async run(ctx) {
    const service = await ctx.use(cluster);
    ctx.healthy();
    ctx.ready();
    await keepPromoting(service, {
      log: ctx.log,
      signal: ctx.signal,
      wait: (ms) => delay(ms, undefined, { signal: ctx.signal }),
    });
  },
});
