/** The manifest, and what it grants each plugin on this node. */
export * from "./errors.ts";
export * from "./manifest.ts";
