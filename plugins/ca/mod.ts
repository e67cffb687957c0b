import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { ca, definePlugin, enrollment, kv, ServiceError } from "hamlet";
import { createService } from "./service.ts";
import { openState } from "./state_on_disk.ts";

/** Milliseconds until another try, while etcd has no majority or this member no vote. */
const PAUSE = 1_000;

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
    const { signal } = ctx;
    const fetchSealKey = async () => {
      ctx.unready("Waiting for a member that hands out the seal key");
      const members = await ctx.use(enrollment);
      return (await members.sealKey({}, { signal })).key;
    };
    const missing = {
      "new-cluster": "make",
      "join": fetchSealKey,
      "established": "lost",
    } as const;
    const state = await openState(files, missing[ctx.node.origin]);
    const service = createService(state, files, ctx.log);
    ctx.provide(ca, service.implementation);
    ctx.healthy();
    ctx.unready("The authorities are not loaded: waiting for etcd");
    while (!signal.aborted) {
      const store = await ctx.use(kv);
      try {
        await service.attach(store, ctx);
      } catch (error) {
        const away = error instanceof ServiceError &&
          error.code === "unavailable";
        if (!away) throw error;
        ctx.unready(`The authorities are not loaded: ${error.message}`);
        await delay(PAUSE, undefined, { signal });
        continue;
      }
      ctx.ready();
      const end = AbortSignal.any([signal, store.gone]);
      if (!end.aborted) await once(end, "abort");
      ctx.unready("The authorities are not loaded: waiting for etcd");
    }
  },
});
