import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { AdminClient } from "../../../runtime/admin/client.ts";
import type { NodeStatus } from "../../../runtime/status.ts";
import { freePort } from "../../support/port.ts";
import { tempFolder } from "../../support/temp.ts";
import { endProcesses } from "./processes_of.ts";

const root = new URL("../../../", import.meta.url).pathname;

/** The folders of one node; removed, with whatever still runs on them, at the end of their `await using`. */
export interface NodeFolders extends AsyncDisposable {
  /** Holds the other two, and has room for more. */
  readonly root: string;
  readonly data: string;
  readonly run: string;
}

/** Makes a place for a node, whose own two folders do not exist yet. */
export async function nodeFolders(): Promise<NodeFolders> {
  const folder = await tempFolder();
  const { path } = folder;
  const data = `${path}/data`;
  return {
    root: path,
    data,
    run: `${path}/run`,
    async [Symbol.asyncDispose]() {
      await endProcesses(data);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** How to start a node. */
export interface StartOptions {
  /** More of the command line, after what a test needs. @default {[]} */
  readonly args?: readonly string[];
  /** Whether `--new-cluster` is given. @default {true} */
  readonly newCluster?: boolean;
  /** The port of the etcd peers. @default {0} */
  readonly peerPort?: number;
  /** Whether to set the machine's host name; only where that is impossible, or another machine's. @default {"off"} */
  readonly hostname?: "on" | "off";
  /** Variables on top of the environment of the tests. @default {{}} */
  readonly env?: Record<string, string>;
  /** A program with arguments that starts Hamlet in its own place, such as `setpriv`. @default {[]} */
  readonly prefix?: readonly string[];
  /** A compiled program. @default the one that `HAMLET_BIN` names, else this checkout */
  readonly program?: string | undefined;
}

/** What Hamlet logged: an entry, or the text of a line that is none. */
export interface LogLine {
  readonly dn: string;
  readonly level: string;
  readonly message: string;
}

/** How a process ended. */
export interface Exit {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** Milliseconds after which a node that is waited for is given up: a cold start takes one second. */
const PATIENCE = 60_000;

/** Whether a compiled program is tested, which has its manifest inside and takes no other. */
export const isCompiled: boolean = Boolean(Deno.env.get("HAMLET_BIN"));

/** The command line of the program: the compiled one where `HAMLET_BIN` names it, else that of this checkout. */
export function hamletCommand(...args: string[]): [string, ...string[]] {
  const compiled = Deno.env.get("HAMLET_BIN");
  return compiled ? [compiled, ...args] : checkoutCommand(...args);
}

/** What Deno is given for a node; scripts/hamlet explains it. */
export function denoFlags(): string[] {
  return Deno.readTextFileSync(`${root}scripts/deno-flags`).trim().split("\n");
}

/** The command line of this checkout. */
export function checkoutCommand(...args: string[]): [string, ...string[]] {
  return [
    Deno.execPath(),
    "run",
    ...denoFlags(),
    ...["--config", `${root}deno.json`],
    `${root}runtime/cli/main.ts`,
    ...args,
  ];
}

/** A node that runs as a process of its own; killed at the end of its `await using`. */
export class NodeProcess implements AsyncDisposable {
  readonly folders: NodeFolders;
  readonly pid: number;
  /** What it logged so far. */
  readonly log: LogLine[] = [];
  /** Resolves when it has ended and its log is complete. */
  readonly exited: Promise<Exit>;
  readonly #child: Deno.ChildProcess;
  #changed = Promise.withResolvers<void>();
  #ended = false;

  /**
   * Starts a node on loopback and on free ports, which does not touch the host name.
   *
   * @param folders Where.
   * @param options See {@linkcode StartOptions}.
   */
  constructor(folders: NodeFolders, options: StartOptions = {}) {
    const {
      args = [],
      newCluster = true,
      peerPort,
      hostname = "off",
      env = {},
      prefix = [],
      program,
    } = options;
    this.folders = folders;
    // One that has been there has its own, which nobody else is to have taken when it comes back.
    const port = () => existsSync(`${folders.data}/node.json`) ? 0 : freePort();
    const [command = "", ...rest] = [
      ...prefix,
      ...program === undefined ? hamletCommand("run") : [program, "run"],
      ...newCluster ? ["--new-cluster"] : [],
      ...["--data-dir", folders.data, "--run-dir", folders.run],
      ...["--peer-port", `${peerPort ?? port()}`],
      ...["--curator-port", `${port()}`],
      ...["--listen", "127.0.0.1", "--advertise", "127.0.0.1"],
      ...["--hostname", hostname, "--log-format", "json"],
      ...args,
    ];
    this.#child = new Deno.Command(command, {
      args: rest,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    const read = this.#read(this.#child.stderr);
    this.exited = Promise.all([this.#child.status, read]).then(([status]) => {
      this.#ended = true;
      this.#wake();
      return { code: status.code, signal: status.signal };
    });
  }

  /** Sends a signal to the process. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<Exit> {
    this.kill("SIGTERM");
    return await this.exited;
  }

  /** A client of its admin socket; to be disposed of. */
  client(): AdminClient {
    return new AdminClient(`${this.folders.run}/hamlet.sock`);
  }

  /** All it logged, for the message of a failure. */
  text(): string {
    return this.log.map(({ level, dn, message }) => `${level} ${dn} ${message}`)
      .join("\n");
  }

  /**
   * Waits for a line of its log, from its start on.
   *
   * @param matches Tells whether it is the one.
   * @returns The line.
   * @throws {Error} If the process ends without it.
   */
  async logged(matches: (line: LogLine) => boolean): Promise<LogLine> {
    for (let seen = 0;;) {
      const next = this.log[seen];
      if (next !== undefined) {
        if (matches(next)) return next;
        seen++;
      } else if (this.#ended) {
        throw new Error(`The node ended without that line\n${this.text()}`);
      } else await this.#changed.promise;
    }
  }

  /** Waits until the node is ready. */
  ready(): Promise<NodeStatus> {
    return this.status(({ ready }) => ready);
  }

  /**
   * Waits for a status.
   *
   * @param matches Tells whether it is the one.
   * @returns The status.
   * @throws {Error} If the process ends before, or it takes a minute.
   */
  async status(
    matches: (status: NodeStatus) => boolean = () => true,
  ): Promise<NodeStatus> {
    let last: NodeStatus | undefined;
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const seen = JSON.stringify(last);
      timeout.reject(
        new Error(`The node does not get there: ${seen}\n${this.text()}`),
      );
      this.kill("SIGKILL");
    }, PATIENCE);
    const find = async () => {
      for await (const status of this.statuses()) {
        last = status;
        if (matches(status)) return status;
      }
      await this.exited;
      throw new Error(`The node ended\n${this.text()}`);
    };
    try {
      return await Promise.race([find(), timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The node's status as soon as it serves one, then after every change, until it ends. */
  async *statuses(): AsyncGenerator<NodeStatus> {
    await this.#serving();
    if (this.#ended) return;
    using client = this.client();
    const left = new AbortController();
    try {
      yield* client.watchStatus(left.signal);
    } catch (error) {
      // The conversation breaks off where the node ends.
      await Promise.race([
        this.exited,
        new Promise((_resolve, reject) => {
          const timer = setTimeout(() => reject(error), 2_000);
          void this.exited.then(() => clearTimeout(timer));
        }),
      ]);
    } finally {
      left.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.exited;
  }

  /** Waits until the admin socket answers; nothing tells, and a node of few plugins need not log anything. */
  async #serving(): Promise<void> {
    while (!this.#ended) {
      const changed = this.#changed.promise;
      try {
        const path = `${this.folders.run}/hamlet.sock`;
        (await Deno.connect({ transport: "unix", path })).close();
        return;
      } catch {
        await Promise.race([changed, delay(10)]);
      }
    }
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.log.push(...lines.map(parseLine));
      this.#wake();
    }
    if (rest !== "") this.log.push(parseLine(rest));
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function parseLine(text: string): LogLine {
  try {
    const { dn, level, message }: Record<string, unknown> = JSON.parse(text);
    return { dn: String(dn), level: String(level), message: String(message) };
  } catch {
    return { dn: "", level: "", message: text };
  }
}
