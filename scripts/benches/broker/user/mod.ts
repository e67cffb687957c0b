import { definePlugin } from "hamlet";
import { bench } from "../service.ts";
import { measure } from "../measure.ts";

/** Measures from one plugin to another. */
export default definePlugin({
  async run(ctx) {
    ctx.log.info("Measured", { ...await measure(await ctx.use(bench)) });
    ctx.done();
  },
});
