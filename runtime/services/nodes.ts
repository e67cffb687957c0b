import * as v from "valibot";
import { defineService, stream } from "../service/contract.ts";
import { Integer } from "../service/values.ts";

/** What a node does in its cluster. */
export const Role = v.picklist(["member", "worker"]);
/** What a node does in its cluster. */
export type Role = v.InferOutput<typeof Role>;

/** A node as the cluster knows it. */
export const ClusterNode = v.object({
  id: v.string(),
  /** One DNS label; the node ID where it has no other. */
  name: v.string(),
  role: Role,
  /** The preferred one first; empty until it has reported one. */
  addresses: v.array(v.string()),
  /** ISO 8601, by the clock of the member that took the last report; absent before the first. */
  lastSeen: v.optional(v.string()),
  /** Whether it runs a curator that others may ask, and at which port. */
  curatorPort: v.optional(Integer),
});
/** A node as the cluster knows it. */
export type ClusterNode = v.InferOutput<typeof ClusterNode>;

/** Every node of the cluster, as far as this one knows. */
export const nodes = defineService({
  name: "nodes",
  scope: v.undefined(),
  methods: {
    /**
     * All nodes now, sorted by ID, and again after each change. `current` is false while this node
     * goes on what it remembers, without a member that answers.
     */
    watch: stream(
      v.strictObject({}),
      v.object({ nodes: v.array(ClusterNode), current: v.boolean() }),
    ),
  },
});
