import { isIP } from "node:net";
import { v } from "hamlet";

const NO_RANGE = 'Write an IP address, or a range such as "192.0.2.0/24"';

/** The plugin's section of the node's config file. */
export const Config = v.optional(
  v.strictObject({
    /** Seconds after which a learner that was not promoted is removed from the members. @default 5 minutes */
    joinTimeout: v.optional(
      v.pipe(v.number(), v.safeInteger(), v.minValue(10), v.maxValue(86400)),
      300,
    ),
    /**
     * Addresses and ranges (`192.0.2.0/24`) that a node may report although its report comes from
     * another one, such as behind NAT. @default none
     */
    trustedAddresses: v.optional(
      v.array(
        v.pipe(
          v.string(NO_RANGE),
          v.check(isRange, NO_RANGE),
        ),
      ),
      [],
    ),
  }),
  {},
);
/** The plugin's section of the node's config file. */
export type CuratorConfig = v.InferOutput<typeof Config>;

/** Whether it is an address, or one with how many of its bits count (RFC 4632, section 3.1, and RFC 4291, section 2.3). */
function isRange(text: string): boolean {
  const [, address = "", bits = "0"] =
    /^([\da-f:.]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}
