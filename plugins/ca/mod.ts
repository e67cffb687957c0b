import { once } from "node:events";
import { ca, definePlugin, kv, ServiceGoneError } from "hamlet";
import { createService } from "./service.ts";
import { openState } from "./state_on_disk.ts";

/**
 * The cluster's two certificate authorities: made once, in the folder of the first node; committed
 * to etcd as soon as there is one; from then on the same for every member that holds the seal key.
 */
export default definePlugin({
  async run(ctx) {
    const folder = `${ctx.node.folders.data}/ca`;
    const files = {
      pending: `${folder}/pending.json`,
      sealKey: `${folder}/seal.key`,
    };
    const state = await openState(files, ctx.node.origin);
    const service = createService(state, files, ctx.log);
    ctx.provide(ca, service.implementation);
    ctx.healthy();
    while (!ctx.signal.aborted) {
      ctx.unready("The authorities are not loaded: waiting for etcd");
      const store = await ctx.use(kv);
      try {
        await service.attach(store, ctx);
      } catch (error) {
        if (error instanceof ServiceGoneError) continue;
        throw error;
      }
      ctx.ready();
      const end = AbortSignal.any([ctx.signal, store.gone]);
      if (!end.aborted) await once(end, "abort");
    }
  },
});
