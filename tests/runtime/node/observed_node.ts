import { existsSync } from "node:fs";
import { startNode } from "../../../runtime/node/node.ts";
import type { Node } from "../../../runtime/node/running_node.ts";
import type { NodeSettings } from "../../../runtime/node/settings.ts";
import type { NodeStatus } from "../../../runtime/status.ts";

/** A node in this process, and what it said. It is stopped at the end of its `await using`. */
export interface ObservedNode extends AsyncDisposable {
  readonly node: Node;
  /** Its log so far, one JSON object a line. */
  readonly lines: readonly string[];
  /** Waits until its status is as it should be; looks whenever it changes. */
  status(condition: (status: NodeStatus) => boolean): Promise<NodeStatus>;
  /** Waits until it has logged something, and takes it out of {@linkcode ObservedNode.lines}. */
  logged(pattern: RegExp): Promise<string>;
}

/** How long something may take, in milliseconds: far more than it does on a busy machine. */
const LIMIT_MS = 20_000;

/**
 * Starts a node in folders of its own, a new one if there is none, with free ports, and leaves the host name alone
 * unless told otherwise.
 *
 * @param folder Where its folders are made.
 * @param settings What else it is told.
 * @returns The node, as it is being started.
 */
export async function observedNode(
  folder: string,
  settings: NodeSettings = {},
): Promise<ObservedNode> {
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  const node = await startNode({
    ...(existsSync(`${folder}/data/node.json`)
      ? {}
      : { origin: "new-cluster" }),
    hostname: "off",
    dataDir: `${folder}/data`,
    runDir: `${folder}/run`,
    peerPort: 0,
    curatorPort: 0,
    logFormat: "json",
    logLevels: { level: "debug", levels: {} },
    writeLog(line) {
      lines.push(line);
      tell();
    },
    ...settings,
  });
  node.onChange(tell);

  /** Tries again at every event until there is an answer. */
  async function until<T>(
    what: string,
    attempt: () => Promise<T | undefined> | T | undefined,
  ): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      tell();
    }, LIMIT_MS);
    try {
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<void>();
        listeners.add(resolve);
        const found = await attempt();
        if (found !== undefined) return found;
        if (late) {
          throw new Error(
            `Not within ${LIMIT_MS} ms: ${what}\n${lines.join("")}`,
          );
        }
        await promise;
        listeners.delete(resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    node,
    lines,
    status: (condition) =>
      until(String(condition), async () => {
        const status = await node.status();
        return condition(status) ? status : undefined;
      }),
    logged: (pattern) =>
      until(String(pattern), () => {
        const index = lines.findIndex((line) => pattern.test(line));
        return index < 0 ? undefined : lines.splice(index, 1)[0];
      }),
    async [Symbol.asyncDispose]() {
      await node.stop();
    },
  };
}
