import { once } from "node:events";
import { definePlugin, kv, v } from "hamlet";
import { EtcdLink } from "../../../../plugins/consensus/etcd_link.ts";
import { createKv } from "../../../../plugins/consensus/kv_service.ts";

/** Provides `kv` as the plugin consensus does, of an etcd that runs already. */
export default definePlugin({
  config: v.strictObject({ socket: v.string() }),
  async run(ctx) {
    using link = new EtcdLink(ctx.config.socket);
    link.connect();
    ctx.provide(kv, createKv({ link }));
    ctx.healthy();
    await once(ctx.signal, "abort");
  },
});
