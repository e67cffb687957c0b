import { definePlugin, kv, z } from "hamlet";

/**
 * Shows who is alive: keeps the key `/heartbeat/NODE` in the cluster's store for as long as the node
 * runs. The key hangs on a lease, so that etcd takes it away when nobody renews that any more.
 */
export default definePlugin({
  config: z.strictObject({
    /** Seconds that the key outlives a node that died. @default 10 */
    ttl: z.int().min(2).max(3600).default(10),
  }).prefault({}),
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
