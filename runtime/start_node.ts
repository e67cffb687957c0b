import type { Node } from "./node/running_node.ts";
import type { NodeSettings } from "./node/settings.ts";

/**
 * Starts a node in this process, for a program that embeds Hamlet; it needs all permissions, and
 * Deno's `--no-prompt --no-remote --cached-only`, as `scripts/hamlet` has them.
 *
 * @param settings What the command line would say.
 * @returns The node, whose plugins are being started; `node.ready` tells when they all do their job.
 * @throws {Error} If it cannot start; nothing on disk is changed then.
 * @example
 * ```ts no-eval
 * import { startNode } from "hamlet";
 *
 * const node = await startNode({ dev: true });
 * await node.ready;
 * console.log((await node.status()).plugins);
 * await node.stop();
 * ```
 */
export async function startNode(settings: NodeSettings): Promise<Node> {
  // Late, since every plugin's thread imports the public API and none needs the runtime; and by a name
  // that is not in the text, since Deno loads what is for every thread, with the rights of the program.
  const url = import.meta.resolve("./node/node.ts");
  const runtime: typeof import("./node/node.ts") = await import(url);
  return await runtime.startNode(settings);
}
