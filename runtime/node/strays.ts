import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../log/logger.ts";

/** How long the kernel may take to end a process after SIGKILL, in milliseconds. */
const END_MS = 10_000;

/**
 * The mark of a node's processes: the data folder by device and inode, since on one machine several nodes in
 * containers may have one of the same path.
 *
 * @param data The data folder.
 * @returns Name and value of the environment variable.
 */
export async function processMarker(
  data: string,
): Promise<readonly [name: string, value: string]> {
  const { dev, ino } = await Deno.stat(data);
  return ["HAMLET_NODE", `${dev}:${ino}`];
}

/**
 * Ends the processes of a node that died, where they did not die with it: a program with capabilities of its own, such
 * as an etcd that may use low ports, loses the death signal that it was started with, prctl(2). To be called under the
 * node's lock, before it starts any process.
 *
 * @param marker What is in their environment.
 * @param log Told of each.
 */
export async function endStrays(
  [name, value]: readonly [name: string, value: string],
  log: Logger,
): Promise<void> {
  const entry = `\0${name}=${value}\0`;
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === Deno.pid) continue;
    if (!`\0${await readProc(pid, "environ")}`.includes(entry)) continue;
    const program = (await readProc(pid, "comm")).trim();
    log.warn(
      `Ending process ${pid} (${program}), which an earlier start of this node left behind`,
    );
    kill(Number(pid));
    for (
      const until = Date.now() + END_MS;
      Date.now() < until && await readProc(pid, "environ") !== "";
    ) {
      // There is no event for the end of a process that is nobody's child here.
      await delay(10);
    }
  }
}

/** A file of a process; empty where the process is gone, only waits to be reaped, or is another user's. */
async function readProc(pid: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/${file}`);
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
