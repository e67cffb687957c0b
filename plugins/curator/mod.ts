import { once } from "node:events";
import {
  deferGoaway,
  definePlugin,
  type Implementation,
  Latest,
  membership,
  ServiceError,
} from "hamlet";
import { startClient } from "./client/start_client.ts";
import { Config } from "./config.ts";
import type { Credentials } from "./identity_files.ts";
import { delegate, noMembershipService } from "./server/membership_service.ts";
import { runServer } from "./server/run_server.ts";

/**
 * Who belongs to the cluster. Every member serves it to the others (`server/`); every node follows
 * a member (`client/`).
 */
export default definePlugin({
  config: Config,
  async run(ctx) {
    await deferGoaway();
    const credentials = new Latest<Credentials | undefined>(undefined);
    const serving = new Latest(0);
    await startClient(ctx, {
      credentials,
      serving,
      report: (problem) =>
        problem === undefined ? ctx.ready() : ctx.unready(problem),
    });
    if (ctx.node.role === "member") {
      let current: Implementation<typeof membership> | undefined;
      ctx.provide(
        membership,
        delegate(() => {
          if (current && serving.value !== 0) return current;
          throw new ServiceError(
            "unavailable",
            "This member does not serve its cluster yet: hamlet status says what it waits for",
          );
        }),
      );
      ctx.run("server", (child) =>
        runServer(child, {
          plugin: ctx,
          credentials,
          serving,
          administer: (service) => current = service,
        }));
    } else ctx.provide(membership, noMembershipService());
    ctx.healthy();
    if (!ctx.signal.aborted) await once(ctx.signal, "abort");
  },
});
