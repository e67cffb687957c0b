import { wantsColor } from "../log/color.ts";
import { createOutput } from "../log/output.ts";
import { type Node, startNode } from "../node/node.ts";
import type { NodeSettings } from "../node/settings.ts";
import type { NodeStatus } from "../node/status.ts";
import type { CliContext } from "./context.ts";
import type { NodeFlags } from "./flags.ts";
import { progressBlock, progressLines } from "./progress.ts";
import { Screen } from "./screen.ts";
import { socketOf } from "./socket_path.ts";

/** How long the last lines of the log may take to leave the process, in milliseconds. */
const FLUSH_TIMEOUT = 1_000;

/**
 * Reads the settings that `run` and `dev` share.
 *
 * @param flags The command line.
 * @returns The settings.
 */
export function settingsOf(flags: NodeFlags): NodeSettings {
  const { etcd, logLevel, ...same } = flags;
  return {
    ...same,
    ...(etcd !== undefined && { programs: { etcd } }),
    ...(logLevel !== undefined && { logLevels: logLevel }),
  };
}

/** How to show a node. */
export interface RunNodeOptions {
  /** Whether of the log only what is out of order is shown; `hamlet logs` has all of it. @default {false} */
  readonly quiet?: boolean;
}

/**
 * Runs a node until it ends or is told to, and shows a person how it comes up.
 *
 * @param context The command's context.
 * @param settings The node's settings.
 * @param options See {@linkcode RunNodeOptions}.
 * @throws What the node could not start of, or ended with.
 */
export async function runNode(
  context: CliContext,
  settings: NodeSettings,
  { quiet = false }: RunNodeOptions = {},
): Promise<void> {
  const started = performance.now();
  const output = createOutput(Deno.stderr);
  const screen = new Screen(
    output.write,
    () => Deno.consoleSize().columns,
  );
  // Before the node, so that no signal finds the process without it.
  const interrupted = context.interrupted();
  try {
    const node = await startNode({
      ...settings,
      writeLog(text, level) {
        if (!quiet || level === "warning" || level === "error") {
          screen.write(text);
        }
      },
    });
    const forPeople = node.logFormat === "text";
    const stop = () => {
      if (forPeople) {
        screen.show([]);
        screen.write("Ending in order; once more ends at once\n");
      }
      void node.stop();
    };
    if (interrupted.aborted) stop();
    else interrupted.addEventListener("abort", stop, { once: true });

    if (forPeople) {
      const done = showProgress(node, screen);
      node.ready.then(() => {
        done();
        screen.show([]);
        screen.write(readyText(node, performance.now() - started));
      });
      node.finished.catch(() => {}).finally(done);
    }
    await node.finished;
  } catch (error) {
    screen.show([]);
    if (settings.logLevels?.level === "debug" && error instanceof Error) {
      screen.write(`${error.stack}\n`);
    }
    throw error;
  } finally {
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, FLUSH_TIMEOUT);
    await Promise.race([output.flush(), timeout.promise]);
    clearTimeout(timer);
  }
}

/** Shows every change of the node's status until told to stop. */
function showProgress(node: Node, screen: Screen): () => void {
  const redraws = Deno.stderr.isTerminal();
  let shown: NodeStatus | undefined;
  let asking = false;
  let again = false;
  let ended = false;

  async function show(): Promise<void> {
    // One question at a time: while a node starts, changes come faster than answers.
    again = true;
    if (asking) return;
    asking = true;
    while (again) {
      again = false;
      const status = await node.status();
      if (ended) break;
      if (redraws) {
        screen.show(progressBlock(status, wantsColor(Deno.stderr)));
      } else {
        for (const line of progressLines(shown, status)) {
          screen.write(`${line}\n`);
        }
      }
      shown = status;
    }
    asking = false;
  }

  const unsubscribe = node.onChange(() => void show());
  void show();
  return () => {
    ended = true;
    unsubscribe();
  };
}

function readyText({ info }: Node, ms: number): string {
  const seconds = (ms / 1000).toFixed(1);
  const socket = `${info.folders.run}/hamlet.sock`;
  // Left out where the commands find the node without it.
  const where = socketOf(undefined) === socket
    ? ""
    : ` --run-dir ${info.folders.run}`;
  return `
${info.name} is ready after ${seconds} s. In another terminal, try:
  hamlet status --watch${where}
  hamlet kv put /hello world${where}
  hamlet cert issue laptop --ip 127.0.0.1${where}
  hamlet logs --follow${where}

`;
}
