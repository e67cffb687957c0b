import { tempFolder } from "./temp.ts";

/** What {@linkcode startEtcd} may be told. */
export interface StartEtcdOptions {
  /**
   * The folder for the data and the socket, which stays: another start in it continues with its data.
   *
   * @default {a folder of its own, removed at the end}
   */
  folder?: string;
  /**
   * Further arguments of etcd.
   *
   * @default {[]}
   */
  args?: readonly string[];
}

/** An etcd that serves; it is killed at the end of its `await using`. */
export interface Etcd extends AsyncDisposable {
  /** Its working folder. */
  readonly folder: string;
  /** The path of the socket that its clients connect to. */
  readonly socket: string;
  /** The socket as etcdctl and etcd3 take it: `unix://` and the path. */
  readonly endpoint: string;
  readonly pid: number;
}

/**
 * Starts a real etcd as a cluster of one, without TLS, on unix sockets alone.
 *
 * @param options Where to start it, and with what.
 * @returns The etcd, once it serves its clients.
 * @throws {Error} If it ends before that; the message has its log.
 *
 * @example An etcd for the length of a block
 * ```ts
 * import { startEtcd } from "./etcd.ts";
 * import { run } from "./process.ts";
 *
 * await using etcd = await startEtcd();
 * await run("etcdctl", ["--endpoints", etcd.endpoint, "put", "key", "value"], { env: { ETCDCTL_API: "3" } });
 * ```
 */
export async function startEtcd(options: StartEtcdOptions = {}): Promise<Etcd> {
  await using cleanup = new AsyncDisposableStack();
  const folder = options.folder ?? cleanup.use(await tempFolder()).path;
  // etcd takes a unix socket only relative to its working folder and with a port, which becomes part of its name.
  const name = "client.sock:0";
  const peer = "unix://peer.sock:0";
  // A killed etcd leaves its sockets, and cannot start where they are.
  for (const socket of [name, "peer.sock:0"]) {
    await removeIfThere(`${folder}/${socket}`);
  }

  const child = new Deno.Command("setpriv", {
    args: [
      ...[
        "--pdeathsig",
        "KILL",
        "etcd",
        "--name",
        "test",
        "--data-dir",
        "data",
      ],
      ...[
        "--listen-client-urls",
        `unix://${name}`,
        "--advertise-client-urls",
        `unix://${name}`,
      ],
      ...[
        "--listen-peer-urls",
        peer,
        "--initial-advertise-peer-urls",
        peer,
        "--initial-cluster",
        `test=${peer}`,
      ],
      // A lone member elects itself only after the timeout, a second by default.
      ...["--heartbeat-interval", "10", "--election-timeout", "100"],
      ...["--logger", "zap", "--log-outputs", "stderr"],
      ...options.args ?? [],
    ],
    cwd: folder,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();

  const serving = Promise.withResolvers<void>();
  const read = (async () => {
    let log = "";
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      log += text;
      if (log.includes('"msg":"serving client traffic')) serving.resolve();
    }
    serving.reject(
      new Error(`Cannot start etcd in "${folder}": it ended with\n${log}`),
    );
  })();
  cleanup.defer(async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await Promise.all([child.status, read]);
  });

  await serving.promise;
  const end = cleanup.move();
  const socket = `${folder}/${name}`;
  return {
    folder,
    socket,
    endpoint: `unix://${socket}`,
    pid: child.pid,
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
