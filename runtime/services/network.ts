import * as v from "valibot";
import { defineService, stream } from "../service/contract.ts";
import { IpAddress } from "../service/values.ts";

/** Under which addresses other machines reach this node. */
export const network = defineService({
  name: "network",
  scope: v.undefined(),
  methods: {
    /** The addresses now, the preferred one first, then again on each change; none yet is an empty list. */
    watch: stream(
      v.strictObject({}),
      v.object({ addresses: v.array(IpAddress) }),
    ),
  },
});
