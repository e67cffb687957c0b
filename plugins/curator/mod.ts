import { once } from "node:events";
import { definePlugin, z } from "hamlet";
import { runServer } from "./server/run_server.ts";

const Config = z.strictObject({
  /** Seconds after which a learner that was not promoted is removed from the members. @default 5 minutes */
  joinTimeout: z.int().min(10).max(86400).default(300),
  /**
   * Addresses and ranges (`192.0.2.0/24`) that a node may report although its report comes from
   * another one, such as behind NAT. @default none
   */
  trustedAddresses: z.array(
    z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]),
  )
    .default([]),
}).prefault({});
/** The plugin's section of the node's config file. */
export type CuratorConfig = z.output<typeof Config>;

/**
 * Who belongs to the cluster. Every member serves it to the others (`server/`); every node follows
 * a member (`client/`).
 */
export default definePlugin({
  config: Config,
  async run(ctx) {
    if (ctx.node.role === "member") {
      ctx.run("server", (child) => runServer(child, ctx));
    }
    ctx.healthy();
    if (!ctx.signal.aborted) await once(ctx.signal, "abort");
  },
});
