import type { CommandContext, StricliProcess } from "@stricli/core";
import { wantsColor } from "../log/color.ts";

/** What a command has to do with the process it runs in. */
export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  /** Writes bytes to standard output as they are. */
  writeBytes(bytes: Uint8Array): void;
  /**
   * Makes SIGINT and SIGTERM abort a signal instead of ending the process, for commands that go on
   * until a person has seen enough. The second time ends the process at once.
   */
  interrupted(): AbortSignal;
  /**
   * Asks a person at a terminal.
   *
   * @param question What is asked.
   * @returns Whether the answer was yes; never where there is no terminal.
   */
  confirm(question: string): boolean;
  /** Reads all of standard input as text; of a terminal, the line that a person is asked for. */
  readInput(question: string): Promise<string>;
}

/** Creates the context of this process. */
export function createContext(): CliContext {
  return {
    process: {
      stdout: writable(Deno.stdout),
      stderr: writable(Deno.stderr),
      // Of the environment only what decides about colors, which `getColorDepth` does already.
      env: {},
      exitCode: null,
    },
    writeBytes: (bytes) => writeAll(Deno.stdout, bytes),
    interrupted() {
      const controller = new AbortController();
      const interrupt = () => {
        if (controller.signal.aborted) Deno.exit(1);
        controller.abort();
      };
      Deno.addSignalListener("SIGINT", interrupt);
      Deno.addSignalListener("SIGTERM", interrupt);
      return controller.signal;
    },
    confirm,
    async readInput(question) {
      if (Deno.stdin.isTerminal()) return prompt(question) ?? "";
      return await new Response(Deno.stdin.readable).text();
    },
  };
}

type Stream = typeof Deno.stdout;

function writable(stream: Stream) {
  return {
    write: (text: string) => writeAll(stream, new TextEncoder().encode(text)),
    getColorDepth: () => wantsColor(stream) ? 8 : 1,
  };
}

function writeAll(stream: Stream, bytes: Uint8Array): void {
  try {
    for (let written = 0; written < bytes.length;) {
      written += stream.writeSync(bytes.subarray(written));
    }
  } catch (error) {
    // As with `hamlet logs | head`: nobody reads what is left.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(1);
    throw error;
  }
}
