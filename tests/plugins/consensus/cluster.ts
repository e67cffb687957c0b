import { AdminClient } from "../../../runtime/admin/client.ts";
import type { NodeStatus } from "../../../runtime/status.ts";
import { freePort } from "../../support/port.ts";
import { tempFolder } from "../../support/temp.ts";
import { program } from "../../runtime/cli/served_node.ts";

/** A node in a process of its own; it is killed at the end of its `await using`. */
export interface NodeProcess extends AsyncDisposable {
  readonly client: AdminClient;
  /** etcd's endpoint, as etcdctl takes it. */
  readonly endpoint: string;
  /** All that it wrote. */
  log(): string;
  /** Waits until its status is as it should be. */
  status(wanted: (status: NodeStatus) => boolean): Promise<NodeStatus>;
  /** Ends it as the kernel would. */
  kill(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Resolves to its exit code. */
  readonly ended: Promise<number>;
}

/** Where a node is, which outlives its processes. */
export interface Machine extends AsyncDisposable {
  readonly data: string;
  readonly run: string;
  /** Starts a node there; only the first time is it told what to become. */
  start(...args: string[]): NodeProcess;
  /** The same, to be killed at a failpoint. */
  startTo(failpoint: string, ...args: string[]): NodeProcess;
}

/** Milliseconds that something may take: far more than it does on a busy machine. */
const LIMIT = 60_000;

/**
 * Makes a place for a node.
 *
 * @param name The node's name.
 */
export async function machine(name: string): Promise<Machine> {
  const folder = await tempFolder();
  const [data, run] = [`${folder.path}/data`, `${folder.path}/run`];
  const [peerPort, curatorPort] = [freePort(), freePort()];
  const config = `${folder.path}/config.json`;
  // On loopback, what a node reports comes from 127.0.0.1, whatever it listens on.
  await Deno.writeTextFile(
    config,
    `{"plugins": {"curator": {"trustedAddresses": ["127.0.0.0/8"]}}}`,
  );
  return {
    data,
    run,
    start: (...args) => start({}, args),
    startTo: (failpoint, ...args) =>
      start({ HAMLET_FAILPOINT: failpoint }, args),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };

  function start(env: Record<string, string>, args: readonly string[]) {
    const child = program([
      ...["run", "--data-dir", data, "--run-dir", run, "--name", name],
      ...["--peer-port", `${peerPort}`, "--curator-port", `${curatorPort}`],
      ...["--hostname", "off", "--log-format", "json"],
      ...args.includes("--config") ? [] : ["--config", config],
      ...args.includes("--plugins") ? [] : ["--plugins", PLUGINS],
      ...args,
    ], { env, stdout: "null", stderr: "piped" }).spawn();
    return observe(child, run);
  }
}

const PLUGINS = "ca,consensus,crl,autopromoter,network,curator";

function observe(child: Deno.ChildProcess, run: string): NodeProcess {
  const client = new AdminClient(`${run}/hamlet.sock`);
  let log = "";
  const read = (async () => {
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) log += text;
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
  return {
    client,
    endpoint: `unix://${run}/consensus/client.sock:0`,
    log: () => log,
    ended,
    async status(wanted) {
      const until = Date.now() + LIMIT;
      let last: NodeStatus | undefined;
      while (Date.now() < until) {
        // Before its admin socket is there, there is no event to wait for.
        const status = await client.status().catch(() => undefined);
        if (status && wanted(status)) return status;
        last = status ?? last;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(
        `Not within ${LIMIT} ms: ${wanted}\n${
          JSON.stringify(last, null, 1)
        }\n${log}`,
      );
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      client[Symbol.dispose]();
    },
  };
}

/** Whether a node is ready, with so many voters. */
export function withVoters(count: number): (status: NodeStatus) => boolean {
  return ({ ready, members }) =>
    ready && members.filter(({ learner }) => !learner).length === count;
}
