import {
  type Client,
  type Context,
  failpoint,
  FatalError,
  type Logger,
  type NodeInfo,
  type process,
} from "hamlet";
import type { EtcdFiles } from "./etcd_files.ts";
import {
  type EtcdLine,
  explainFailure,
  parseEtcdLine,
  saysRemoved,
} from "./etcd_log.ts";

/** Options of {@linkcode runEtcd}. */
export interface RunEtcdOptions {
  readonly programs: Client<typeof process>;
  readonly node: NodeInfo;
  readonly files: EtcdFiles;
  readonly args: readonly string[];
  /** Whether its data is of no use to anybody: see `BootstrapGate`. */
  wipe(): boolean;
  /** Called once the process is there. */
  started(): void;
  /** Called with what is wrong when it has ended by itself. */
  failed(reason: string): void;
}

/** etcd has ended by itself. */
export class EtcdExitError extends Error {
  override readonly name = "EtcdExitError";
}

/**
 * Runs etcd until it is told to end: its output becomes the log, and its end an error.
 *
 * @param ctx Its place in the tree.
 * @param options See {@linkcode RunEtcdOptions}.
 * @throws {EtcdExitError} If etcd ends by itself.
 * @throws {FatalError} If it did since the cluster has removed this member.
 */
export async function runEtcd(
  ctx: Context,
  options: RunEtcdOptions,
): Promise<void> {
  const { programs, files, node } = options;
  if (options.wipe()) await removeAll(files.data);
  // etcd does not take the place of a socket that a killed one has left.
  await removeAll(files.socket);
  failpoint("before etcd starts");
  const events = programs.run(
    { program: "etcd", args: [...options.args] },
    { signal: ctx.signal },
  );
  let last: EtcdLine | undefined;
  let failure: EtcdLine | undefined;
  let removed = false;
  for await (const event of events) {
    switch (event.kind) {
      case "started":
        failpoint("after etcd started");
        ctx.healthy();
        options.started();
        break;
      case "line": {
        const line = parseEtcdLine(event.text);
        writeLine(ctx.log, line);
        // A panic says its message again, without what it is about.
        if (line.level === "error" && last?.level !== "error") failure = line;
        removed ||= saysRemoved(line);
        last = line;
        break;
      }
      case "dropped":
        ctx.log.warn(
          `${event.lines} lines of etcd's log came too fast to be kept`,
        );
        break;
      case "exited": {
        const context = { ...node, data: files.data };
        const said = failure ?? last;
        const reason = removed
          ? "the cluster has removed this node"
          : event.signal !== undefined
          ? `it was ended by ${event.signal}`
          : said
          ? explainFailure(said, context)
          : `it ended with exit code ${event.code}`;
        options.failed(reason);
        throw removed
          ? new FatalError(
            `Cannot run etcd: ${reason}; to use the machine again, empty the node's data folder and join it anew`,
          )
          : new EtcdExitError(`etcd has ended: ${reason}`);
      }
    }
  }
}

function writeLine(
  log: Logger,
  { level, message, properties }: EtcdLine,
): void {
  if (level === "warning") log.warn(message, properties);
  else log[level](message, properties);
}

async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
