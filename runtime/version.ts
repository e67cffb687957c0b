import config from "../deno.json" with { type: "json" };

/** Hamlet's own version. */
export const version: string = config.version;
