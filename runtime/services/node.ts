import { z } from "zod";
import { call, defineService } from "../service/contract.ts";
import { Role } from "./nodes.ts";

/** What a node remembers of its place in the cluster; provided by the runtime. */
export const node = defineService({
  name: "node",
  scope: z.undefined(),
  methods: {
    /** The token the operator gave, until `joined`; absent on a node that needs none. */
    joinToken: call(
      z.strictObject({}),
      z.object({ token: z.string().optional() }),
    ),
    /** Says that the node has its certificate: the token is of no more use and forgotten. */
    joined: call(z.strictObject({}), z.object({})),
    /**
     * Remembers the node's role; then starts and ends plugins accordingly, and anew those that use this
     * service, whoever called it included.
     */
    setRole: call(z.strictObject({ role: Role }), z.object({})),
    /**
     * Says that the cluster has removed this node: what has data ends, the node stays to say so,
     * and does not start again until `hamlet reset`.
     */
    removed: call(z.strictObject({ reason: z.string() }), z.object({})),
  },
});
