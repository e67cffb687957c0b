import { run } from "../../support/process.ts";
import { root } from "./program.ts";

/**
 * Copies what a program is compiled from, as it is now, to another place and with other times.
 *
 * @param to The folder, which is not there yet.
 */
export async function copyCheckout(to: string): Promise<void> {
  await Deno.mkdir(to);
  const files = ["deno.json", "deno.lock", "mod.ts", "LICENSE"];
  const folders = ["plugins", "proto", "runtime", "scripts"];
  await run("cp", [
    "--recursive",
    ...[...files, ...folders].map((name) => `${root}${name}`),
    to,
  ]);
}
