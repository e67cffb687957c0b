import { z } from "zod";
import { call, defineService } from "../service/contract.ts";

/**
 * The machine's names, which no Worker permission can scope: a host name is no file, and of `/etc/hosts` only a part
 * is Hamlet's. Provided by the runtime.
 */
export const hostname = defineService({
  name: "hostname",
  scope: z.undefined(),
  methods: {
    /** Sets the host name to the node's own name, sethostname(2). */
    set: call(
      z.strictObject({}),
      z.object({
        outcome: z.enum(["set", "unchanged", "off", "not-permitted"]),
      }),
    ),
    /** What the system's resolver (getaddrinfo(3)) answers for the node's own name; empty where nothing. */
    resolve: call(
      z.strictObject({}),
      z.object({ name: z.string(), addresses: z.array(z.string()) }),
    ),
    /**
     * Makes these lines the marked block of `/etc/hosts`, and leaves every other byte of it alone. `refused` where
     * the file or its markers are not as they should be, which the log tells.
     */
    hosts: call(
      z.strictObject({
        lines: z.array(
          z.string().regex(/^[^#\r\n]*$/, "A line has no comment and no end"),
        ),
      }),
      z.object({ outcome: z.enum(["written", "unchanged", "refused"]) }),
    ),
  },
});
