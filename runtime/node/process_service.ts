import type * as v from "valibot";
import { failpoint } from "../failpoint.ts";
import type { Logger } from "../log/logger.ts";
import type { Caller, Implementation } from "../service/contract.ts";
import { ScopeError } from "../service/errors.ts";
import type {
  process,
  ProcessEvent,
  ProcessScope,
} from "../services/process.ts";
import { matchesArgument } from "./argument_pattern.ts";
import { EventQueue } from "./event_queue.ts";
import { readLines } from "./line_reader.ts";
import { locateProgram, PROGRAM_ENVIRONMENT } from "./locate_program.ts";

/** Options of {@linkcode processService}. */
export interface ProcessServiceOptions {
  /** Paths of programs by their declared name; what is missing is looked for on the PATH. */
  readonly programs: Readonly<Record<string, string>>;
  /** The working folder of programs whose scope names none. */
  readonly cwd: string;
  /** Marks the processes of this node in their environment; see `endStrays`. */
  readonly marker: readonly [name: string, value: string];
  readonly log: Logger;
  /** Milliseconds from SIGTERM to SIGKILL. @default {@linkcode GRACE_MS} */
  readonly gracePeriod?: number;
}

/** Runs declared programs as children of this process. */
export interface ProcessService {
  /** What the broker offers as `process`. */
  readonly implementation: Implementation<typeof process>;
  /** Resolves when none of its processes is left. */
  ended(): Promise<void>;
  /** Resolves when none is left of those that were told to end. */
  canceledEnded(): Promise<void>;
}

/**
 * How long a process may take to end in order, in milliseconds. etcd 3.5 and later wait up to 7 s for clients that are
 * not the node's own, such as an operator's watch, before they hand over leadership, then 1 s for their peers:
 * https://github.com/etcd-io/etcd/blob/v3.5.24/server/embed/etcd.go
 */
const GRACE_MS = 9_000;

/** How long what a process wrote is still read after its end: a child of its own could hold its output open. */
const DRAIN_MS = 1000;

/**
 * Run by setpriv, which has told the kernel to kill the process when this one ends, whatever ends it, prctl(2). If it
 * ended before that, the kernel did not know yet, but the parent is another one by now.
 */
const execUnderParent = `test "$PPID" = "$0" && exec "$@"`;

/**
 * Makes the service that runs programs.
 *
 * @param options See {@linkcode ProcessServiceOptions}.
 * @returns The service.
 */
export function processService(options: ProcessServiceOptions): ProcessService {
  const { programs, log, gracePeriod = GRACE_MS } = options;
  const running = new Set<Promise<unknown>>();
  /** Of each caller and program the processes that were told to end. */
  const ending = new Map<string, Set<Promise<unknown>>>();

  async function* run(
    { program, args }: { program: string; args: string[] },
    caller: Caller<ProcessScope>,
  ): AsyncGenerator<v.InferOutput<typeof ProcessEvent>, void, void> {
    const cwd = allowedFolder(program, args, caller) ?? options.cwd;
    const path = await locateProgram(program, programs[program]);
    const setpriv = await locateProgram("setpriv", undefined);

    // Whoever starts a program again must not find its own earlier process in the way.
    const key = `${caller.name} ${program}`;
    await Promise.all(ending.get(key) ?? []);
    caller.signal.throwIfAborted();

    failpoint(`before spawn ${program}`);
    const child = new Deno.Command(setpriv, {
      args: [
        "--pdeathsig",
        "KILL",
        "--",
        "/bin/sh",
        "-c",
        execUnderParent,
        String(Deno.pid),
        path,
        ...args,
      ],
      cwd,
      clearEnv: true,
      env: { ...PROGRAM_ENVIRONMENT, [options.marker[0]]: options.marker[1] },
      // A session of its own, so that Ctrl-C at a terminal ends the node, and the node ends it in order.
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    failpoint(`after spawn ${program}`);

    const queue = new EventQueue();
    queue.add({ kind: "started", pid: child.pid });
    const drained = new AbortController();
    const lines = Promise.all(
      (["stdout", "stderr"] as const).map((from) =>
        readLines(
          child[from],
          (text) => queue.add({ kind: "line", from, text }),
          drained.signal,
        )
      ),
    );
    const exited = child.status.then(async ({ code, signal }) => {
      const timer = setTimeout(() => drained.abort(), DRAIN_MS);
      await lines;
      clearTimeout(timer);
      running.delete(exited);
      queue.add({
        kind: "exited",
        code,
        ...(signal === null ? {} : { signal }),
      });
    });
    running.add(exited);

    let terminating = false;
    const terminate = () => {
      if (terminating || !running.has(exited)) return;
      terminating = true;
      const others = ending.getOrInsertComputed(key, () => new Set());
      others.add(exited);
      signalChild(child, "SIGTERM");
      const timer = setTimeout(() => {
        log.warn(
          `Program "${program}" of plugin "${caller.name}" has not ended ${gracePeriod} ms after SIGTERM`,
        );
        signalChild(child, "SIGKILL");
      }, gracePeriod);
      void exited.finally(() => {
        clearTimeout(timer);
        others.delete(exited);
      });
    };
    caller.signal.addEventListener("abort", terminate);
    try {
      if (caller.signal.aborted) terminate();
      for (;;) {
        for (const event of await queue.take()) {
          yield event;
          if (event.kind === "exited") return;
        }
      }
    } finally {
      caller.signal.removeEventListener("abort", terminate);
      terminate();
      await exited;
    }
  }

  return {
    implementation: { run },
    async ended() {
      await Promise.all(running);
    },
    async canceledEnded() {
      await Promise.all([...ending.values()].flatMap((some) => [...some]));
    },
  };
}

/** The working folder the caller's scope names, if its scope lets it run this at all. */
function allowedFolder(
  program: string,
  args: readonly string[],
  caller: Caller<ProcessScope>,
): string | undefined {
  const declared = Object.hasOwn(caller.scope, program)
    ? caller.scope[program]
    : undefined;
  const line = `uses.process.scope[${JSON.stringify(program)}]`;
  if (declared === undefined) {
    throw new ScopeError(
      caller.name,
      `run "${program}"`,
      `${line}: {"args": ${JSON.stringify(args)}}`,
    );
  }
  for (const argument of args) {
    // No program could be given a zero byte.
    if (matchesArgument(argument, declared.args) && !argument.includes("\0")) {
      continue;
    }
    throw new ScopeError(
      caller.name,
      `run "${program}" with "${argument}"`,
      `${line}.args: [${JSON.stringify(argument)}]`,
    );
  }
  return declared.cwd;
}

function signalChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It ended in this very moment.
  }
}
