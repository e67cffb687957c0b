import * as v from "valibot";
import { call, defineService } from "../service/contract.ts";

/**
 * The machine's names, which no Worker permission can scope: a host name is no file, and of `/etc/hosts` only a part
 * is Hamlet's. Provided by the runtime.
 */
export const hostname = defineService({
  name: "hostname",
  scope: v.undefined(),
  methods: {
    /** Sets the host name to the node's own name, sethostname(2). */
    set: call(
      v.strictObject({}),
      v.object({
        outcome: v.picklist(["set", "unchanged", "off", "not-permitted"]),
      }),
    ),
    /** What the system's resolver (getaddrinfo(3)) answers for the node's own name; empty where nothing. */
    resolve: call(
      v.strictObject({}),
      v.object({ name: v.string(), addresses: v.array(v.string()) }),
    ),
    /**
     * Makes these lines the marked block of `/etc/hosts`, and leaves every other byte of it alone. `refused` where
     * the file or its markers are not as they should be, which the log tells.
     */
    hosts: call(
      v.strictObject({
        lines: v.array(
          v.pipe(
            v.string(),
            v.regex(/^[^#\r\n]*$/, "A line has no comment and no end"),
          ),
        ),
      }),
      v.object({ outcome: v.picklist(["written", "unchanged", "refused"]) }),
    ),
  },
});
