import { AdminClient } from "../../../../runtime/admin/client.ts";
import type { NodeStatus } from "../../../../runtime/status.ts";
import { program } from "../../../runtime/cli/served_node.ts";
import { freePort } from "../../../support/port.ts";
import { tempFolder } from "../../../support/temp.ts";

/** A node in a process of its own; it is killed at the end of its `await using`. */
export interface NodeProcess extends AsyncDisposable {
  readonly client: AdminClient;
  /** Waits until it has logged something, also earlier. */
  logged(pattern: RegExp): Promise<string>;
  /** Waits until its status is as it should be. */
  status(wanted: (status: NodeStatus) => boolean): Promise<NodeStatus>;
  /** Resolves to its exit code; 137 where it was killed. */
  readonly ended: Promise<number>;
  /** Ends it as the kernel would. */
  kill(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
}

/** A place for a node, which outlives its processes. */
export interface Machine extends AsyncDisposable {
  readonly data: string;
  readonly run: string;
  /**
   * Starts the node.
   *
   * @param args What it is told beside its folders, ports and name.
   * @param failpoint Where it dies; `DATA` stands for its data folder.
   */
  start(args: readonly string[], failpoint?: string): NodeProcess;
}

/** Milliseconds that something may take: far more than it does on a busy machine. */
const LIMIT_MS = 60_000;

/**
 * Makes a place for a node on loopback.
 *
 * @param name The node's name.
 */
export async function machine(name: string): Promise<Machine> {
  const folder = await tempFolder();
  const [data, run] = [`${folder.path}/data`, `${folder.path}/run`];
  const ports = [
    ...["--peer-port", `${freePort()}`],
    ...["--curator-port", `${freePort()}`],
  ];
  return {
    data,
    run,
    start(args, failpoint) {
      const child = program([
        ...["run", "--data-dir", data, "--run-dir", run, "--name", name],
        ...["--listen", "127.0.0.1", "--advertise", "127.0.0.1", ...ports],
        ...["--hostname", "off", "--log-format", "json", ...args],
      ], {
        stdout: "null",
        stderr: "piped",
        env: failpoint === undefined
          ? {}
          : { HAMLET_FAILPOINT: failpoint.replaceAll("DATA", data) },
      }).spawn();
      return observe(child, run);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function observe(child: Deno.ChildProcess, run: string): NodeProcess {
  const client = new AdminClient(`${run}/hamlet.sock`);
  let log = "";
  let wake = Promise.withResolvers<void>();
  const read = (async () => {
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      log += text;
      wake.resolve();
      wake = Promise.withResolvers();
    }
  })();
  const ended = child.status.then(async ({ code }) => {
    await read;
    return code;
  });
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    await ended;
  };
  /** Tries again at every line of the log, and every now and then: the status has no line for each change. */
  async function until<T>(
    what: string,
    attempt: () => Promise<T | undefined> | T | undefined,
  ): Promise<T> {
    const late = Date.now() + LIMIT_MS;
    for (;;) {
      const next = wake.promise;
      const found = await attempt();
      if (found !== undefined) return found;
      if (Date.now() > late) throw new Error(`In vain: ${what}\n${log}`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([
        next,
        new Promise((resolve) => timer = setTimeout(resolve, 200)),
      ]);
      clearTimeout(timer);
    }
  }
  return {
    client,
    ended,
    logged: (pattern) =>
      until(
        `${pattern}`,
        () => log.split("\n").find((line) => pattern.test(line)),
      ),
    status: (wanted) =>
      until(`${wanted}`, async () => {
        const status = await client.status().catch(() => undefined);
        return status && wanted(status) ? status : undefined;
      }),
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      client[Symbol.dispose]();
    },
  };
}
