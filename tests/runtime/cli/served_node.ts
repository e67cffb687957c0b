import { serveAdmin } from "../../../runtime/admin/server.ts";
import { tempFolder } from "../../support/temp.ts";
import { createTarget, type TestTarget } from "../admin/test_target.ts";

/** What a command wrote, and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = new URL("../../../runtime/cli/main.ts", import.meta.url);
const CONFIG = new URL("../../../deno.json", import.meta.url);

/** The command line of Hamlet's program, run from the checkout. */
export function program(
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-all", "--no-prompt", "--no-remote"],
      ...[`--config=${CONFIG.pathname}`, MAIN.pathname, ...args],
    ],
    stdin: "null",
    ...options,
  });
}

/** Runs a command to its end. */
export async function hamlet(
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await program(args, options).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A target at a real admin socket, for commands to talk to. */
export interface ServedNode extends AsyncDisposable {
  readonly target: TestTarget;
  /** A folder of the test's own, which is also the run folder. */
  readonly folder: string;
  /** Runs a command against it. */
  hamlet(...args: readonly string[]): Promise<Ended>;
}

/** Serves a target. */
export async function serveNode(): Promise<ServedNode> {
  const folder = await tempFolder();
  const target = createTarget();
  const server = await serveAdmin(`${folder.path}/hamlet.sock`, target);
  return {
    target,
    folder: folder.path,
    hamlet: (...args) =>
      hamlet([...args, "--run-dir", folder.path], { cwd: folder.path }),
    async [Symbol.asyncDispose]() {
      await server.stop();
      target[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
