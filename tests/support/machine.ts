import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run, type RunOptions, type RunOutput } from "./process.ts";

/**
 * A machine that systemd runs: processes, files, network, host name and control groups of its own, which end with it.
 * Its files are this machine's, and what is changed in them stays in memory.
 */
export interface Machine extends AsyncDisposable {
  /** Its first process, which is in all its namespaces, seen from here. */
  readonly pid: number;
  /** Where its files are, seen from here. */
  readonly root: string;
  /**
   * Runs a command on it to its end.
   *
   * @param command The program.
   * @param args Its arguments.
   * @param options See {@linkcode RunOptions}.
   */
  run(
    command: string,
    args?: readonly string[],
    options?: RunOptions,
  ): Promise<RunOutput>;
}

const SYSTEMD = "/lib/systemd/systemd";

const lacking = await whyNoMachine();

/**
 * Boots a machine.
 *
 * @param given What it can read of this machine's where its own files have something else, or nothing: the path that it
 * has there, and the one here.
 * @returns The machine, once it has booted.
 * @throws {Error} If this machine does not let it.
 */
export async function bootMachine(
  given: Readonly<Record<string, string>> = {},
): Promise<Machine> {
  await using cleanup = new AsyncDisposableStack();
  const { pid, end } = await start(SYSTEMD, given);
  cleanup.defer(end);
  const machine = {
    pid,
    root: `/proc/${pid}/root`,
    run: (command: string, args: readonly string[] = [], options = {}) =>
      run(
        "nsenter",
        ["--target", `${pid}`, "--all", command, ...args],
        options,
      ),
  };
  // Nothing here is told by systemd that it takes commands.
  await machine.run("sh", [
    "-c",
    "until systemctl list-jobs >/dev/null 2>&1; do sleep 0.02; done; systemctl is-system-running --wait || true",
  ]);
  const booted = cleanup.move();
  return {
    ...machine,
    [Symbol.asyncDispose]: () => booted.disposeAsync(),
  };
}

/**
 * Declares a test that boots machines: one that is skipped, and says why, where none can be.
 *
 * @param name Its name.
 * @param fn The test.
 */
export function testWithMachines(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: lacking === undefined ? name : `${name} (${lacking})`,
    ignore: lacking !== undefined,
    fn,
  });
}

/** Says why no machine can be booted here; undefined where one can be. */
async function whyNoMachine(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "only root can make namespaces";
  if (!existsSync(SYSTEMD)) return "there is no systemd";
  try {
    const { end } = await start("true", {});
    await end();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Starts the first process of a machine. */
async function start(
  init: string,
  given: Readonly<Record<string, string>>,
): Promise<{ pid: number; end(): Promise<void> }> {
  // In a session of its own it is there to clean up also where the tests are killed with all that they have started.
  const child = new Deno.Command("setsid", {
    args: [
      ...["unshare", "--mount", "sh"],
      fileURLToPath(new URL("machine.sh", import.meta.url)),
      ...["keep", init],
      ...Object.entries(given).map(([there, here]) => `${there}=${here}`),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  const end = async () => {
    await child.stdin.close().catch(() => {});
    await reader.cancel();
    await Promise.all([child.status, stderr]);
  };
  if (/^\d+\n$/.test(value)) return { pid: Number(value), end };
  await end();
  throw new Error(`Cannot boot a machine: ${(await stderr).trim()}`);
}
