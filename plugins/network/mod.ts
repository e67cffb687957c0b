import { setTimeout as delay } from "node:timers/promises";
import { definePlugin, Latest, network, process } from "hamlet";
import { externalAddresses } from "./external_addresses.ts";
import { defaultRoutes, IpError, monitorRoutes } from "./ip.ts";

/** Milliseconds between two looks at the routes at least: a link that comes up is a burst of changes. */
const SETTLE_MS = 100;
/** Milliseconds until the next look without a change: the kernel drops events that are not read in time. */
const RECHECK_MS = 30_000;
/** The same where there is no `ip`, and so nobody who tells of changes. */
const POLL_MS = 5_000;

/** Tells under which addresses other machines reach this node: the one the operator gave, or those of the default routes. */
export default definePlugin({
  async run(ctx) {
    const { advertise } = ctx.node;
    const addresses = new Latest<readonly string[]>(
      advertise === undefined ? [] : [advertise],
    );
    ctx.provide(network, {
      async *watch(_, { signal }) {
        for await (const now of addresses.watch(signal)) {
          yield { addresses: [...now] };
        }
      },
    });
    if (advertise !== undefined) {
      ctx.healthy();
      ctx.ready();
      return await aborted(ctx.signal);
    }

    const programs = await ctx.use(process);
    const changes = new Latest(0);
    const change = () => changes.set(changes.value + 1);
    let recheck = RECHECK_MS;
    ctx.run("monitor", async (child) => {
      child.healthy();
      try {
        await monitorRoutes(programs, child.signal, change);
      } catch (error) {
        if (!(error instanceof IpError)) throw error;
        child.log.warn(
          `Looking for a new address every ${
            POLL_MS / 1000
          } s, since nobody tells of it: ${error.message}`,
        );
        child.done();
        recheck = POLL_MS;
        change();
      }
    });

    let timer: ReturnType<typeof setTimeout> | undefined;
    let ready = false;
    try {
      for await (const _ of changes.watch(ctx.signal)) {
        clearTimeout(timer);
        const routes = await defaultRoutes(programs, ctx.signal).catch(
          (error: unknown) => {
            // The monitor says why.
            if (error instanceof IpError) return undefined;
            throw error;
          },
        );
        const now = externalAddresses(Deno.networkInterfaces(), routes);
        if (!ready || now.join() !== addresses.value.join()) {
          ctx.log.info(
            now.length === 0
              ? "No address yet: there is no default route; --advertise gives one"
              : `Others reach this node at ${now.join(", ")}`,
          );
          addresses.set(now);
        }
        if (!ready) {
          ready = true;
          ctx.healthy();
          ctx.ready();
        }
        timer = setTimeout(change, recheck);
        await delay(SETTLE_MS, undefined, { signal: ctx.signal });
      }
    } finally {
      clearTimeout(timer);
    }
  },
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
