import { stripVTControlCharacters } from "node:util";

/** Milliseconds that anything in a terminal may take. */
const PATIENCE = 120_000;

/** Where a terminal is. */
export interface Seat {
  /** The folder in which it begins. */
  readonly cwd: string;
  /**
   * Makes of a command the one that runs it there, as the same process.
   *
   * @default {the command itself: on the machine of the tests}
   */
  readonly enter?: (...command: string[]) => [string, ...string[]];
  /**
   * Variables on top of the environment of the tests.
   *
   * @default {{}}
   */
  readonly env?: Readonly<Record<string, string>>;
}

function commandAt(
  { cwd, enter, env }: Seat,
  more: Record<string, string>,
  ...command: [string, ...string[]]
): Deno.Command {
  const [program, ...args] = enter?.(...command) ?? command;
  return new Deno.Command(program, {
    args,
    cwd,
    env: { ...env, ...more },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
}

/** A shell that keeps its variables and functions from command to command, as in a terminal. */
export class Shell implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: Output;
  #commands = 0;

  /** @param seat Where it is. */
  constructor(seat: Seat) {
    this.#child = commandAt(
      seat,
      { NO_COLOR: "1" },
      ...["bash", "--noprofile", "--norc"],
    ).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#output = new Output(this.#child.stdout);
  }

  /**
   * Runs a command to its end.
   *
   * @param command What is typed.
   * @returns What it wrote, standard error too, without the last newline.
   */
  async run(command: string): Promise<string> {
    const mark = `=== end of command ${++this.#commands} ===`;
    const from = this.#output.text.length;
    await this.#stdin.write(
      new TextEncoder().encode(
        `{ ${command}\n} 2>&1 </dev/null\necho; echo '${mark}'\n`,
      ),
    );
    await this.#output.until((text) => text.includes(`\n${mark}\n`, from));
    const { text } = this.#output;
    return text.slice(from, text.indexOf(`\n${mark}\n`, from))
      .replace(/\n$/, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#stdin.close().catch(() => {});
    await this.#child.status;
    await this.#output.ended;
  }
}

/** A terminal of its own in which one command runs on. */
export class Terminal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: Output;

  /**
   * @param command What is typed.
   * @param seat Where.
   */
  constructor(command: string, seat: Seat) {
    this.#child = commandAt(
      seat,
      { TERM: "xterm", SHELL: "/bin/sh" },
      ...["script", "--quiet", "--return"],
      // `exec`, so that what is killed with the terminal is the command itself.
      ...["--command", `exec ${command}`, "/dev/null"],
    ).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#output = new Output(this.#child.stdout);
  }

  /**
   * Waits until lines have been shown, in this order, whatever there is between them.
   *
   * @param lines The lines.
   * @param clean What makes a line comparable.
   */
  async shows(
    lines: readonly string[],
    clean: (line: string) => string,
  ): Promise<void> {
    await this.#output.until((text) => {
      const shown = stripVTControlCharacters(text).split(/\r*\n/).map(clean);
      let at = 0;
      return lines.every((line) => {
        at = shown.indexOf(clean(line), at) + 1;
        return at > 0;
      });
    });
  }

  get text(): string {
    return this.#output.text;
  }
  /** Types Ctrl-C. */
  async interrupt(): Promise<void> {
    await this.#stdin.write(Uint8Array.of(3));
  }

  /** Waits for the end of the command. */
  async ended(): Promise<void> {
    await this.#output.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // What runs in a terminal that is closed gets SIGHUP.
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#stdin.close().catch(() => {});
    await this.#child.status;
    await this.#output.ended;
  }
}

/** What a process wrote so far. */
class Output {
  text = "";
  readonly ended: Promise<void>;
  #over = false;
  #changed = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#read(stream);
  }

  /** Waits until the text is as it should be; the message of the failure has it. */
  async until(matches: (text: string) => boolean): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#changed.resolve();
    }, PATIENCE);
    try {
      while (!matches(this.text)) {
        if (this.#over || late) {
          const why = late ? `after ${PATIENCE / 1000} s` : "until its end";
          throw new Error(
            `It has not shown what was expected ${why}:\n${
              stripVTControlCharacters(this.text)
            }`,
          );
        }
        await this.#changed.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.text += text;
      this.#wake();
    }
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
