import { CompileError } from "./errors.ts";

/** Where a command runs. */
export interface OutputOptions {
  /** The working folder. @default this process's */
  readonly cwd?: string;
  /** Variables on top of this process's. @default {{}} */
  readonly env?: Record<string, string>;
}

/**
 * Runs a command to its end.
 *
 * @param command The program.
 * @param args Its arguments.
 * @param options See {@linkcode OutputOptions}.
 * @returns What it writes to standard output.
 * @throws {CompileError} If it cannot be run or fails, with all that it wrote.
 */
export async function output(
  command: string,
  args: readonly string[],
  options: OutputOptions = {},
): Promise<string> {
  const decoder = new TextDecoder();
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(command, {
      ...options,
      args: [...args],
      stdin: "null",
    }).output();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new CompileError(`Cannot run "${command}": ${cause.message}`, {
      cause,
    });
  }
  const text = decoder.decode(result.stdout);
  if (result.success) return text;
  throw new CompileError(
    `Command "${
      [command, ...args].join(" ")
    }" ended with exit code ${result.code}\n${text}${
      decoder.decode(result.stderr)
    }`.trimEnd(),
  );
}
