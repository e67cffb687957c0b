import { setTimeout as delay } from "node:timers/promises";
import { processMarker } from "../../../runtime/node/strays.ts";

/** A process that a node started. */
export interface NodeChild {
  readonly pid: number;
  /** The first 15 characters of its program's name, proc(5). */
  readonly program: string;
}

/**
 * Finds the processes that a node started, whether it still lives or not.
 *
 * @param data The node's data folder.
 * @returns Those that run; none where there is no such folder.
 */
export async function processesOf(data: string): Promise<NodeChild[]> {
  let entry: string;
  try {
    const [name, value] = await processMarker(data);
    entry = `\0${name}=${value}\0`;
  } catch {
    return [];
  }
  const found: NodeChild[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (!`\0${await readProc(name, "environ")}`.includes(entry)) continue;
    const program = (await readProc(name, "comm")).trim();
    found.push({ pid: Number(name), program });
  }
  return found;
}

/**
 * Waits until a node's processes are gone: what the kernel ends with a process takes it a moment, and
 * nobody but their parent is told.
 *
 * @param data The node's data folder.
 * @returns Those that are still there after half a minute.
 */
export async function processesLeft(data: string): Promise<NodeChild[]> {
  const until = Date.now() + 30_000;
  for (;;) {
    const left = await processesOf(data);
    if (left.length === 0 || Date.now() > until) return left;
    await delay(10);
  }
}

/** Kills what a node left running. */
export async function endProcesses(data: string): Promise<void> {
  for (const { pid } of await processesOf(data)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
  await processesLeft(data);
}

async function readProc(pid: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/${file}`);
  } catch {
    return "";
  }
}
