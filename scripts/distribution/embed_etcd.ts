import { dirname } from "node:path";
import { FatalError } from "../../mod.ts";
import {
  formatVersion,
  parseEtcdVersion,
} from "../../plugins/consensus/etcd_version.ts";
import type { EmbeddedProgram } from "../../runtime/build.ts";
import { findProgram } from "../../runtime/node/find_program.ts";
import { digestOf } from "./digest.ts";
import { CompileError } from "./errors.ts";
import { output } from "./output.ts";

/** By what an ELF file says it runs on, elf(5). */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [0x3e, "x86_64"],
  [0xb7, "aarch64"],
]);

/**
 * Puts etcd in.
 *
 * @param name Its path, or its name on the PATH.
 * @param arch What it is to run on, as `Deno.build.arch` says it.
 * @param to The file to write.
 * @returns What it is; without its version where it does not run here.
 * @throws {CompileError} If there is none, it is for other machines, or none that Hamlet runs.
 */
export async function embedEtcd(
  name: string,
  arch: string,
  to: string,
): Promise<EmbeddedProgram> {
  const path = await findProgram(name, Deno.env.get("PATH") ?? "");
  if (path === undefined) {
    throw new CompileError(
      `Cannot put "${name}" in: there is no such program; install etcd, or say --etcd PATH or --etcd none`,
    );
  }
  const bytes = await Deno.readFile(path);
  const isElf = new TextDecoder().decode(bytes.subarray(0, 4)) === "\x7fELF";
  const machine = isElf && new DataView(bytes.buffer).getUint16(18, true);
  if (machine === false || MACHINES.get(machine) !== arch) {
    throw new CompileError(
      `Cannot put "${path}" in: it is no program for ${arch}; name one with --etcd, or say --etcd none`,
    );
  }
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.writeFile(to, bytes);
  const digest = digestOf(bytes);
  if (arch !== Deno.build.arch) return { digest };
  try {
    const version = parseEtcdVersion(await output(path, ["--version"]));
    return { version: formatVersion(version), digest };
  } catch (cause) {
    if (!(cause instanceof FatalError)) throw cause;
    throw new CompileError(`Cannot put "${path}" in: ${cause.message}`, {
      cause,
    });
  }
}
