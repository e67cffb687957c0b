/** Provides `network` as no provider should: an address, then one that would break a hosts file. */
import { definePlugin, network } from "hamlet";

export default definePlugin({
  async run(ctx) {
    ctx.provide(network, {
      async *watch(_, { signal }) {
        yield { addresses: ["192.0.2.7"] };
        yield { addresses: ["192.0.2.8\n192.0.2.9 bank"] };
        await new Promise((resolve) =>
          signal.addEventListener("abort", resolve)
        );
      },
    });
    ctx.healthy();
    ctx.ready();
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve)
    );
  },
});
