import { z } from "zod";
import { defineService, stream } from "../service/contract.ts";

/** What a node does in its cluster. */
export const Role = z.enum(["member", "worker"]);
/** What a node does in its cluster. */
export type Role = z.infer<typeof Role>;

/** A node as the cluster knows it. */
export const ClusterNode = z.object({
  id: z.string(),
  /** One DNS label; the node ID where it has no other. */
  name: z.string(),
  role: Role,
  /** The preferred one first; empty until it has reported one. */
  addresses: z.array(z.string()),
  /** ISO 8601, by the clock of the member that took the last report; absent before the first. */
  lastSeen: z.string().optional(),
  /** Whether it runs a curator that others may ask, and at which port. */
  curatorPort: z.int().optional(),
});
/** A node as the cluster knows it. */
export type ClusterNode = z.infer<typeof ClusterNode>;

/** Every node of the cluster, as far as this one knows. */
export const nodes = defineService({
  name: "nodes",
  scope: z.undefined(),
  methods: {
    /**
     * All nodes now, sorted by ID, and again after each change. `current` is false while this node
     * goes on what it remembers, without a member that answers.
     */
    watch: stream(
      z.strictObject({}),
      z.object({ nodes: z.array(ClusterNode), current: z.boolean() }),
    ),
  },
});
