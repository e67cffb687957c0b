import { z } from "zod";
import { call, defineService } from "../service/contract.ts";

/** The machine's host name, which no Worker permission can scope; provided by the runtime. */
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
  },
});
