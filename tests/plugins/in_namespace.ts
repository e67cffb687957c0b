import { fileURLToPath } from "node:url";
import { run } from "../support/process.ts";

/**
 * Runs a script of Deno in network, UTS and mount namespaces of its own, as their root: it may do to the machine what
 * it likes.
 *
 * @param script The script.
 * @param args Its arguments.
 * @returns When it has ended well.
 * @throws {CommandError} If not, with all that it wrote.
 */
export async function inNamespace(
  script: URL,
  ...args: string[]
): Promise<void> {
  await run("unshare", [
    "--net",
    "--uts",
    "--mount",
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-all",
    "--no-remote",
    "--cached-only",
    "--no-check",
    fileURLToPath(script),
    ...args,
  ], {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    timeout: 60_000,
  });
}

/**
 * Runs `ip` with arguments in one string.
 *
 * @param command Such as `link set lo up`.
 */
export async function ip(command: string): Promise<void> {
  await run("ip", command.split(" "));
}
