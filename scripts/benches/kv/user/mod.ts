import { once } from "node:events";
import { definePlugin, kv } from "hamlet";
import { measure } from "../measure.ts";
import { through } from "../service.ts";

/** Writes through the service `kv`. */
export default definePlugin({
  async run(ctx) {
    const store = await ctx.use(kv);
    ctx.provide(through, {
      measure: (writes) =>
        measure(writes, (key, value) => store.put({ key, value })),
    });
    ctx.healthy();
    await once(ctx.signal, "abort");
  },
});
