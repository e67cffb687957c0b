import { once } from "node:events";
import {
  deferGoaway,
  definePlugin,
  type Implementation,
  Latest,
  membership,
  type OperatorCredentials,
  ServiceError,
} from "hamlet";
import { remoteMembership } from "./client/remote_membership.ts";
import { startClient } from "./client/start_client.ts";
import { workerMembership } from "./client/worker_membership.ts";
import { Config } from "./config.ts";
import { delegate } from "./delegate.ts";
import type { Credentials } from "./identity_files.ts";
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
    const instance = crypto.getRandomValues(new Uint8Array(16));
    const serving = new Latest(0);
    const asking = await startClient(ctx, {
      credentials,
      instance,
      serving,
      report: (problem) =>
        problem === undefined ? ctx.ready() : ctx.unready(problem),
    });
    const remote = (operator: OperatorCredentials) =>
      remoteMembership(operator, asking);
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
        }, remote),
      );
      ctx.run("server", (child) =>
        runServer(child, {
          plugin: ctx,
          credentials,
          instance,
          serving,
          administer: (service) => current = service,
        }));
    } else {
      const worker = workerMembership(asking);
      ctx.provide(membership, delegate(() => worker, remote));
    }
    ctx.healthy();
    if (!ctx.signal.aborted) await once(ctx.signal, "abort");
  },
});
