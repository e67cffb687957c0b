import { fileURLToPath } from "node:url";
import { AdminClient } from "../../../runtime/admin/client.ts";
import type { RunOutput } from "../../support/process.ts";
import type { Namespace } from "./namespace.ts";
import { RunningNode } from "./running_node.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The command line of the program: the compiled one where `HAMLET_BIN` names it, else that of this checkout. */
export function hamletCommand(...args: string[]): string[] {
  const compiled = Deno.env.get("HAMLET_BIN");
  if (compiled) return [compiled, ...args];
  return [
    Deno.execPath(),
    ...["run", "--quiet", "--allow-all", "--no-prompt", "--no-remote"],
    ...["--frozen", "--cached-only", "--config", `${root}deno.json`],
    `${root}runtime/cli/main.ts`,
    ...args,
  ];
}

/** What a host is made of. */
export interface HostParts {
  /** What its node is called. */
  readonly name: string;
  /** Where it keeps its things. */
  readonly folder: string;
  readonly namespace: Namespace;
  /** Tells the default route of a host with an address. */
  readonly gateway: (address: string) => string;
  /** Says how all hosts are doing, for the message of a failure. */
  readonly explain: () => string;
}

/** A machine of its own as far as network, host name and `/etc` go. */
export class Host implements AsyncDisposable {
  readonly name: string;
  readonly data: string;
  readonly run: string;
  /** Speaks to the admin socket of its node. */
  readonly client: AdminClient;
  /** Where it is reached. */
  address = "";
  /** What was started last. */
  #node: RunningNode | undefined;
  /** What those before it logged. */
  readonly #logs: string[] = [];
  readonly #parts: HostParts;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.data = `${parts.folder}/data`;
    this.run = `${parts.folder}/run`;
    this.client = new AdminClient(`${this.run}/hamlet.sock`);
  }

  /** Says how all hosts are doing, for the message of a failure. */
  get explain(): () => string {
    return this.#parts.explain;
  }

  /** The log of all its nodes. */
  get log(): string {
    return this.#logs.concat(this.#node?.log ?? []).join("(again)\n");
  }

  /** The node that was started last. */
  get node(): RunningNode {
    if (this.#node === undefined) {
      throw new Error(`No node was started on host "${this.name}"`);
    }
    return this.#node;
  }

  /**
   * Starts its node, after the end of the one before.
   *
   * @param args More of the command line, such as `--new-cluster`.
   * @param env Variables on top of the environment of the tests.
   */
  start(
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): RunningNode {
    const [program, ...rest] = this.#parts.namespace.enter(
      ...hamletCommand("run", "--name", this.name),
      ...["--data-dir", this.data, "--run-dir", this.run],
      ...this.address.includes(":") ? ["--listen", "::"] : [],
      ...["--log-format", "json", ...args],
    );
    if (this.#node !== undefined) this.#logs.push(this.#node.log);
    this.#node = new RunningNode(
      new Deno.Command(program, {
        args: rest,
        env,
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }),
      this,
    );
    return this.#node;
  }

  /**
   * Starts its node to join with a token that it reads from a file.
   *
   * @param token The token.
   * @param env Variables on top of the environment of the tests.
   */
  async join(
    token: string,
    env: Record<string, string> = {},
  ): Promise<RunningNode> {
    const file = `${this.#parts.folder}/token`;
    await Deno.writeTextFile(file, token);
    return this.start(["--join-file", file], env);
  }

  /** Runs a command of Hamlet that talks to its node. */
  async hamlet(...args: string[]): Promise<string> {
    const command = hamletCommand(...args, "--run-dir", this.run);
    return (await this.exec(...command)).stdout;
  }

  /** Empties its data folder as an operator does. */
  async reset(): Promise<void> {
    await this.hamlet("reset", "--data-dir", this.data, "--yes");
  }

  /** The command line that runs a program on it, as the same process. */
  enter(...command: string[]): [string, ...string[]] {
    return this.#parts.namespace.enter(...command);
  }

  /** Runs a program on it to its end. */
  exec(...command: string[]): Promise<RunOutput> {
    return this.#parts.namespace.run(...command);
  }

  /** The addresses that its system resolves a name to, each once. */
  async resolve(name: string): Promise<string[]> {
    try {
      // `getent hosts` tells the address of its own name in one family alone.
      const { stdout } = await this.exec("getent", "hosts", name);
      return [...new Set(stdout.match(/^\S+/gm))];
    } catch {
      return [];
    }
  }

  /** Gives it another address, as a DHCP server does. */
  async setAddress(address: string): Promise<void> {
    await this.exec(
      ...["sh", "-euc"],
      `ip link set eth0 up
      ip address flush dev eth0 scope global`,
    );
    await this.addAddress(address);
    this.address = address;
  }

  /** Gives it an address of the other family too. */
  async addAddress(address: string): Promise<void> {
    await this.exec(
      ...["sh", "-euc"],
      `ip address add ${
        address.includes(":") ? `${address}/64 nodad` : `${address}/24`
      } dev eth0
      ip route replace default via ${this.#parts.gateway(address)}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node?.[Symbol.asyncDispose]();
    this.client[Symbol.dispose]();
  }
}
