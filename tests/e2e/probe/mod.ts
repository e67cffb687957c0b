import { definePlugin, kv, type PluginContext, ServiceGoneError } from "hamlet";
import { attemptAll, type Result } from "./attempt.ts";
import { deadly, type Deed, final, noisy } from "./deeds.ts";
import { type Order, triesOf } from "./suites.ts";

const deeds: Readonly<Record<string, Deed>> = { ...deadly, ...final, ...noisy };

async function obey(ctx: PluginContext, order: Order): Promise<Result[]> {
  if (order.suite !== "deed") return await attemptAll(triesOf(order, ctx));
  const { name } = order.targets;
  const reason = String(await deeds[name]?.(ctx));
  return [{ name, refused: false, reason }];
}

/**
 * Does what a plugin should not, when a test tells it to, and reports what became of it. Its sections
 * of the store and its folder are its own; all else it was not granted.
 */
export default definePlugin({
  async run(ctx) {
    const own = `/${ctx.dn.slice("root.".length)}`;
    // A plugin may listen, and the node ends in order all the same.
    Deno.addSignalListener("SIGTERM", () => {});
    ctx.healthy();
    while (!ctx.signal.aborted) {
      try {
        await obeyAll(ctx, own);
      } catch (error) {
        // The connection may be one that a try has broken.
        if (!(error instanceof ServiceGoneError)) throw error;
      }
    }
  },
});

async function obeyAll(ctx: PluginContext, own: string): Promise<void> {
  const { signal } = ctx;
  const store = await ctx.use(kv);
  for await (const item of store.watch({ key: `${own}/order` }, { signal })) {
    if (item.kind === "snapshot") ctx.ready();
    const orders = item.kind === "snapshot"
      ? item.kvs
      : item.events.flatMap((event) => event.kind === "put" ? [event.kv] : []);
    for (const { key, value } of orders) {
      const order: Order = JSON.parse(new TextDecoder().decode(value));
      // First, so that a plugin that dies of it does not do it again.
      await store.delete({ key });
      const results = await obey(ctx, order);
      await report(ctx, `${own}/report`, results);
    }
  }
}

async function report(
  ctx: PluginContext,
  key: string,
  results: readonly Result[],
): Promise<void> {
  const value = new TextEncoder().encode(JSON.stringify(results));
  for (;;) {
    try {
      await (await ctx.use(kv)).put({ key, value });
      return;
    } catch (error) {
      if (!(error instanceof ServiceGoneError)) throw error;
    }
  }
}
