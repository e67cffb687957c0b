import { run, type RunOutput } from "../../support/process.ts";

/** Network, UTS and mount namespaces of their own, which end with the last process in them. */
export interface Namespace extends AsyncDisposable {
  /** The process that holds them open. */
  readonly pid: number;
  /** The command line that runs a program in them, as the same process. */
  enter(...command: string[]): [string, ...string[]];
  /** Runs a program in them to its end. */
  run(...command: string[]): Promise<RunOutput>;
}

/**
 * Opens namespaces. They have no name, so that nothing is left of them and nobody else's are in the way.
 *
 * @param setup A script of the shell that prepares them.
 * @returns The namespaces, once they are prepared.
 * @throws {Error} If that fails.
 */
export async function openNamespace(setup = ""): Promise<Namespace> {
  const child = new Deno.Command("unshare", {
    args: [
      ...["--net", "--uts", "--mount"],
      // cat ends with the pipe, and so with the tests, however they end.
      ...["sh", "-euc", `ip link set lo up\n${setup}\necho\nexec cat`],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  const close = async () => {
    await child.stdin.close().catch(() => {});
    await reader.cancel();
    await child.status;
  };
  if (done) {
    await close();
    throw new Error(`Cannot prepare namespaces with\n${setup}`);
  }
  const enter = (...command: string[]): [string, ...string[]] => [
    "nsenter",
    ...["--target", `${child.pid}`, "--net", "--uts", "--mount"],
    ...command,
  ];
  return {
    pid: child.pid,
    enter,
    run(...command) {
      const [program, ...args] = enter(...command);
      return run(program, args);
    },
    [Symbol.asyncDispose]: close,
  };
}
