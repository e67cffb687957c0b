import { z } from "hamlet";

/** The plugin's section of the node's config file. */
export const Config = z.strictObject({
  /** Seconds after which a learner that was not promoted is removed from the members. @default 5 minutes */
  joinTimeout: z.int().min(10).max(86400).default(300),
  /**
   * Addresses and ranges (`192.0.2.0/24`) that a node may report although its report comes from
   * another one, such as behind NAT. @default none
   */
  trustedAddresses: z.array(
    z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]),
  ).default([]),
}).prefault({});
/** The plugin's section of the node's config file. */
export type CuratorConfig = z.output<typeof Config>;
