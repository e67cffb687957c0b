import { hamletCommand, type Host } from "../cluster/support/host.ts";
import { type Seat, Shell, Terminal } from "./terminal.ts";

/** A machine of a document: a host on which Hamlet is installed, with a terminal for its node and another one. */
export class Machine implements AsyncDisposable {
  readonly host: Host;
  readonly #seat: Seat;
  readonly #shell: Shell;
  #node: Terminal | undefined;

  private constructor(host: Host, seat: Seat) {
    this.host = host;
    this.#seat = seat;
    this.#shell = new Shell(seat);
  }

  /**
   * Installs Hamlet on a host, with its folders where they are unless one says otherwise.
   *
   * @param host The host.
   * @param folder An empty folder for the program.
   */
  static async install(host: Host, folder: string): Promise<Machine> {
    const command = hamletCommand().map((part) => `'${part}'`).join(" ");
    await Deno.writeTextFile(
      `${folder}/hamlet`,
      `#!/bin/sh\nexec ${command} "$@"\n`,
      { mode: 0o755 },
    );
    await Deno.mkdir(host.data, { mode: 0o700 });
    await Deno.mkdir(host.run);
    await host.exec(
      ...["sh", "-euc"],
      `for at in run var/lib; do
        mount -t tmpfs tmpfs /$at
        mkdir /$at/hamlet
      done
      mount --bind ${host.data} /var/lib/hamlet
      mount --bind ${host.run} /run/hamlet`,
    );
    return new Machine(host, {
      cwd: folder,
      enter: (...command) => host.enter(...command),
      env: { PATH: `${folder}:${Deno.env.get("PATH")}` },
    });
  }

  /** Runs a command to its end, and answers what it wrote. */
  async run(command: string): Promise<string> {
    return await this.#shell.run(command);
  }

  /** Runs its node in the terminal that is for it. */
  async runNode(command: string): Promise<Terminal> {
    await this.#node?.[Symbol.asyncDispose]();
    return this.#node = new Terminal(command, this.#seat);
  }

  /** The terminal in which its node runs. */
  get node(): Terminal {
    if (this.#node === undefined) {
      throw new Error(`No node runs on "${this.host.name}"`);
    }
    return this.#node;
  }

  /** Ends it as a power cut does, and its disk with it. */
  async die(): Promise<void> {
    await this.#node?.[Symbol.asyncDispose]();
    this.#node = undefined;
    for await (const { name } of Deno.readDir(this.host.data)) {
      await Deno.remove(`${this.host.data}/${name}`, { recursive: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node?.[Symbol.asyncDispose]();
    await this.#shell[Symbol.asyncDispose]();
  }
}
