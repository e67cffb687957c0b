import type { AdminTarget } from "../admin/target.ts";
import type { NodeInfo } from "../plugin/plugin.ts";
import type { NodeSettings } from "./settings.ts";

/** A node that runs in this process. */
export interface Node extends AdminTarget {
  readonly info: NodeInfo;
  /** Resolves once every plugin has been ready at the same time for the first time; never if the node ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the node has ended in order; rejects with what ended it, such as a `FatalError`. */
  readonly finished: Promise<void>;
  /** Ends the node in order, plugins before what they use. A second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * Starts a node in this process: checks the ground, takes the locks, and starts the plugins. Returns as soon as they
 * are being started; {@linkcode Node.ready} tells when they all do their job.
 *
 * @param settings What the command line says.
 * @returns The node.
 * @throws {StartError} If it cannot start, with nothing on disk changed.
 */
export function startNode(_settings: NodeSettings): Promise<Node> {
  return Promise.reject(new Error("Not there yet"));
}
