import type { Build } from "./build.ts";

/** How this program was made; undefined in a checkout. `scripts/compile` writes this file anew. */
export const build: Build | undefined = undefined;
