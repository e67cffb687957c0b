import { definePlugin } from "hamlet";
import { greeter } from "../contracts/greeter.ts";

/** Has its node greeted, and logs how. */
export default definePlugin({
  async run(ctx) {
    const host = await ctx.use(greeter);
    const { text } = await host.greet(
      { name: ctx.node.name, language: "de" },
      ctx,
    );
    ctx.log.info(text);
    ctx.healthy();
    ctx.ready();
    ctx.done();
  },
});
