/** The manifest, and what it grants each plugin on this node. */
export * from "./describe_grant.ts";
export * from "./errors.ts";
export * from "./grant.ts";
export * from "./manifest.ts";
export * from "./parse_manifest.ts";
export * from "./path_guard.ts";
