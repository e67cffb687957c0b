/** The services of the built-in plugins and of the runtime: contracts only. */
export * from "./ca.ts";
export * from "./cluster.ts";
export * from "./enrollment.ts";
export * from "./hostname.ts";
export * from "./kv.ts";
export * from "./membership.ts";
export * from "./network.ts";
export * from "./node.ts";
export * from "./nodes.ts";
export * from "./process.ts";
