import {
  type Client,
  type Context,
  failpoint,
  type Logger,
  type NodeInfo,
  type process,
} from "hamlet";
import type { EtcdFiles } from "./etcd_files.ts";
import {
  type EtcdLine,
  explainFailure,
  parseEtcdLine,
  saysDamaged,
  saysEmpty,
  saysRemoved,
} from "./etcd_log.ts";
import type { EtcdStart } from "./etcd_starts.ts";
import { removeAll } from "./remove_all.ts";

/** Options of {@linkcode runEtcd}. */
export interface RunEtcdOptions {
  /** What starts it. */
  readonly programs: Client<typeof process>;
  readonly node: NodeInfo;
  readonly files: EtcdFiles;
  /** Makes everything ready for etcd to start. */
  prepare(signal: AbortSignal): Promise<EtcdStart>;
  /** Called once the process is there. */
  started(): void;
  /** Called when it has found nothing in its log. */
  empty(): void;
  /** Called when it has ended since its data is damaged. */
  damaged(): void;
  /** Called when it has ended since the cluster has removed this member; returns or throws what comes of that. */
  removed(): Promise<void>;
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
 * @throws The reason of the start's `again`, if that aborts.
 */
export async function runEtcd(
  ctx: Context,
  options: RunEtcdOptions,
): Promise<void> {
  const { programs, files } = options;
  const { args, again } = await options.prepare(ctx.signal);
  // It is below /run, where others tidy up.
  await Deno.mkdir(files.run, { recursive: true, mode: 0o700 });
  // etcd does not take the place of a socket that a killed one has left.
  await removeAll(files.socket);
  failpoint("before etcd starts");
  const events = programs.run(
    { program: "etcd", args: [...args] },
    { signal: AbortSignal.any([ctx.signal, again]) },
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
        if (saysEmpty(line)) options.empty();
        last = line;
        break;
      }
      case "dropped":
        ctx.log.warn(`etcd's log came too fast: ${event.lines} lines are lost`);
        break;
      case "exited": {
        if (removed) return await options.removed();
        const said = failure ?? last;
        if (said && saysDamaged(said)) options.damaged();
        throw new EtcdExitError(
          `etcd has ended: ${reasonOf(event, said, options)}`,
        );
      }
    }
  }
  if (!ctx.signal.aborted) again.throwIfAborted();
}

function reasonOf(
  { code, signal }: { code: number; signal?: string | undefined },
  said: EtcdLine | undefined,
  { node, files }: RunEtcdOptions,
): string {
  if (signal !== undefined) return `somebody sent it ${signal}`;
  if (said === undefined) return `its exit code is ${code}`;
  return explainFailure(said, { ...node, data: files.data });
}

function writeLine(
  log: Logger,
  { level, message, properties }: EtcdLine,
): void {
  if (level === "warning") log.warn(message, properties);
  else log[level](message, properties);
}
