import { z } from "zod";
import { defineService, stream } from "../service/contract.ts";

/** Under which addresses other machines reach this node. */
export const network = defineService({
  name: "network",
  scope: z.undefined(),
  methods: {
    /** The addresses now, the preferred one first, then again on each change; none yet is an empty list. */
    watch: stream(
      z.strictObject({}),
      z.object({ addresses: z.array(z.union([z.ipv4(), z.ipv6()])) }),
    ),
  },
});
