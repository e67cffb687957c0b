import * as v from "valibot";
import { call, defineService } from "../service/contract.ts";
import { Role } from "./nodes.ts";

/** What a node remembers of its place in the cluster; provided by the runtime. */
export const node = defineService({
  name: "node",
  scope: v.undefined(),
  methods: {
    /** The token the operator gave, until `joined`; absent on a node that needs none. */
    joinToken: call(
      v.strictObject({}),
      v.object({ token: v.optional(v.string()) }),
    ),
    /** Says that the node has its certificate: the token is of no more use and forgotten. */
    joined: call(v.strictObject({}), v.object({})),
    /**
     * Remembers the node's role; then starts and ends plugins accordingly, and anew those that use this
     * service, whoever called it included.
     */
    setRole: call(v.strictObject({ role: Role }), v.object({})),
    /**
     * Says that the cluster has removed this node: what has data ends, the node stays to say so,
     * and does not start again until `hamlet reset`.
     */
    removed: call(v.strictObject({ reason: v.string() }), v.object({})),
  },
});
