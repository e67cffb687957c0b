import { wantsColor } from "../log/color.ts";
import { createOutput } from "../log/output.ts";
import { startNode } from "../node/node.ts";
import type { Node } from "../node/running_node.ts";
import type { NodeSettings } from "../node/settings.ts";
import type { NodeStatus } from "../status.ts";
import { notifySystemd } from "../systemd/notify.ts";
import { openNotifySocket } from "../systemd/notify_socket.ts";
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
  const screen = new Screen(output.write);
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
        // On a terminal, after the "^C" that it has shown.
        const line = Deno.stderr.isTerminal() ? "\n" : "";
        screen.write(`${line}Ending in order; once more ends at once\n`);
      }
      // What it ends with is told by `finished`.
      node.stop().catch(() => {});
    };
    if (interrupted.aborted) stop();
    else interrupted.addEventListener("abort", stop, { once: true });

    if (forPeople) {
      void showStart(node, screen, {
        started,
        interrupted,
        dev: settings.dev === true,
      });
    }
    using systemd = openNotifySocket(Deno.env.toObject());
    if (systemd !== undefined) {
      await notifySystemd(node, systemd, interrupted);
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

/** What decides what is shown of a start. */
interface StartOptions {
  /** When it began, by the monotonic clock. */
  readonly started: number;
  readonly interrupted: AbortSignal;
  /** Whether the node is for trying things out. */
  readonly dev: boolean;
}

/** Shows how far the node is until it is ready, and then what to do with it. */
async function showStart(
  node: Node,
  screen: Screen,
  { started, interrupted, dev }: StartOptions,
): Promise<void> {
  const redraws = Deno.stderr.isTerminal();
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const unsubscribe = node.onChange(wake);
  let ready = false;
  let ended = false;
  void node.ready.then(() => ready = true).then(wake);
  node.finished.catch(() => {}).then(() => ended = true).then(wake);
  let shown: NodeStatus | undefined;
  for (;;) {
    changed = Promise.withResolvers();
    const wasReady = ready;
    const status = await node.status();
    // Whatever is shown from here on is about its end.
    if (ended || interrupted.aborted) break;
    if (redraws) {
      screen.show(progressBlock(status, wantsColor(Deno.stderr)));
    } else {
      for (const line of progressLines(shown, status)) {
        screen.write(`${line}\n`);
      }
    }
    shown = status;
    if (wasReady) {
      screen.show([]);
      screen.write(readyText(node, performance.now() - started, dev));
      break;
    }
    await changed.promise;
  }
  unsubscribe();
}

function readyText({ info }: Node, ms: number, dev: boolean): string {
  const seconds = (ms / 1000).toFixed(1);
  const socket = `${info.folders.run}/hamlet.sock`;
  // Left out where the commands find the node without it.
  const where = socketOf(undefined) === socket
    ? ""
    : ` --run-dir ${info.folders.run}`;
  const ready = `${info.name} is ready after ${seconds} s`;
  if (!Deno.stderr.isTerminal()) return `${ready}\n`;
  // As it was typed: the script of a checkout is not on the PATH.
  const hamlet = Deno.env.get("HAMLET_COMMAND") ?? "hamlet";
  const commands = [
    "status --watch",
    ...info.role === "member"
      ? [
        "kv put /hello world",
        dev ? "cert issue laptop --ip 127.0.0.1" : "invite --role member",
      ]
      : ["nodes"],
    "logs --follow",
  ];
  return `
${ready}. In another terminal, try:
${commands.map((command) => `  ${hamlet} ${command}${where}\n`).join("")}
`;
}
