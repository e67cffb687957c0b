import { definePlugin, kv, v } from "hamlet";

/**
 * Shows who is alive: keeps the key `/heartbeat/NODE` in the cluster's store for as long as the node
 * runs. The key hangs on a lease, so that etcd takes it away when nobody renews that any more.
 */
export default definePlugin({
  config: v.optional(
    v.strictObject({
      /** Seconds that the key outlives a node that died. @default 10 */
      ttl: v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(3600)),
        10,
      ),
    }),
    {},
  ),
  async run(ctx) {
    const store = await ctx.use(kv);
    const key = `/heartbeat/${ctx.node.id}`;
    const beat = { name: ctx.node.name, since: new Date().toISOString() };
    const value = new TextEncoder().encode(JSON.stringify(beat));
    // Renewed for as long as the stream is read; it fails, and the plugin starts again, if etcd let the lease expire.
    for await (const { lease } of store.lease({ ttl: ctx.config.ttl }, ctx)) {
      await store.put({ key, value, lease }, ctx);
      ctx.log.info(`Keeping "${key}"`, { ttl: ctx.config.ttl });
      ctx.healthy();
      ctx.ready();
    }
  },
});
