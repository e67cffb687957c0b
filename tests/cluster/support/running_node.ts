import type { AdminClient } from "../../../runtime/admin/client.ts";
import type { NodeStatus } from "../../../runtime/status.ts";
import { until } from "./until.ts";

/** What a node has to do with. */
export interface NodeParts {
  /** What it is called. */
  readonly name: string;
  /** Speaks to its admin socket. */
  readonly client: AdminClient;
  /** Says how all others are doing, for the message of a failure. */
  readonly explain: () => string;
}

/** A node in a process of its own; it is killed at the end of its `await using`. */
export class RunningNode implements AsyncDisposable {
  /** Resolves to its exit code; 137 where it was killed. */
  readonly ended: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #parts: NodeParts;
  #log = "";

  /**
   * Starts it.
   *
   * @param command What to start.
   * @param parts See {@linkcode NodeParts}.
   */
  constructor(command: Deno.Command, parts: NodeParts) {
    this.#parts = parts;
    this.#child = command.spawn();
    const read = this.#read();
    this.ended = Promise.all([this.#child.status, read])
      .then(([{ code }]) => code);
  }

  /** The process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** All it logged. */
  get log(): string {
    return this.#log;
  }

  /** Waits until it has logged something, also earlier. */
  logged(pattern: RegExp): Promise<void> {
    return this.#until(`it logs ${pattern}`, () => pattern.test(this.#log));
  }

  /** Waits until its status is as it should be. */
  status(wanted: (status: NodeStatus) => boolean): Promise<void> {
    return this.#until(
      `its status is ${wanted}`,
      async () => wanted(await this.#parts.client.status()),
    );
  }

  /** Waits until it is ready. */
  ready(): Promise<void> {
    return this.status(({ ready }) => ready);
  }

  /** Ends it as the kernel would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it in order. */
  async stop(): Promise<number> {
    return await this.#end("SIGTERM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #until(
    what: string,
    attempt: () => boolean | Promise<boolean>,
  ): Promise<void> {
    const { name, explain } = this.#parts;
    return until(`${name}: ${what}`, attempt, explain);
  }

  async #end(signal: Deno.Signal): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    return await this.ended;
  }

  async #read(): Promise<void> {
    for await (
      const text of this.#child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      this.#log += text;
    }
  }
}
