/** What {@linkcode run} may be told. */
export interface RunOptions {
  /**
   * The working folder.
   *
   * @default {the one of the tests}
   */
  cwd?: string;
  /**
   * Variables on top of the environment of the tests.
   *
   * @default {{}}
   */
  env?: Record<string, string>;
  /**
   * What the command reads from its standard input.
   *
   * @default {""}
   */
  input?: string;
  /**
   * Milliseconds after which the command is killed.
   *
   * @default {30_000}
   */
  timeout?: number;
}

/** What a command wrote. */
export interface RunOutput {
  stdout: string;
  stderr: string;
}

/** A command that did not end with exit code 0. */
export class CommandError extends Error {
  override name = "CommandError";
  /** The exit code; 128 and the signal's number if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor(message: string, code: number, output: RunOutput) {
    super(message);
    this.code = code;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}

/**
 * Runs a command to its end.
 *
 * @param command The program: a path, or a name to be found on the `PATH`.
 * @param args Its arguments.
 * @param options Where and how to run it.
 * @returns What it wrote.
 * @throws {CommandError} If it ends with anything but exit code 0; its message has all that it wrote.
 * @throws {Deno.errors.NotFound} If there is no such program.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunOutput> {
  const { cwd, env = {}, input = "", timeout = 120_000 } = options;
  await using child = new Deno.Command(command, {
    args: [...args],
    env,
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
  try {
    const [stdout, stderr, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.status,
      write(child.stdin, input),
    ]);
    if (status.success) return { stdout, stderr };
    const end = status.signal === null
      ? `exit code ${status.code}`
      : status.signal;
    throw new CommandError(
      `Command "${
        [command, ...args].join(" ")
      }" ended with ${end}\n${stdout}${stderr}`,
      status.code,
      { stdout, stderr },
    );
  } finally {
    clearTimeout(timer);
  }
}

async function write(
  to: WritableStream<Uint8Array>,
  text: string,
): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(to);
  } catch (error) {
    // A command need not read what it is given.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
