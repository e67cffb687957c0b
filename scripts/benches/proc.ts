import { setTimeout as delay } from "node:timers/promises";

/** The memory of a process, in bytes. */
export interface Memory {
  /** Pages in memory, those it shares with other processes included. */
  readonly resident: number;
  /** The same, with shared pages divided among those that share them. */
  readonly proportional: number;
}

/**
 * Reads the memory of a process, see smaps_rollup in proc_pid_smaps(5).
 *
 * @param pid The process.
 */
export async function memoryOf(pid: number): Promise<Memory> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  return {
    resident: field(text, /^Rss: +(\d+) kB$/m) * 1024,
    proportional: field(text, /^Pss: +(\d+) kB$/m) * 1024,
  };
}

/**
 * Reads the processor time a process has used, in seconds, see proc_pid_stat(5).
 *
 * @param pid The process; its children do not count.
 */
export async function processorTimeOf(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The fields after the program's name, which may hold anything; utime and stime are the 14th and 15th of all.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // USER_HZ, which is 100 on every architecture Linux runs Deno on.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/**
 * Reads how many bytes a process has caused to be written to disk, see proc_pid_io(5).
 *
 * @param pid The process; its children that have not ended do not count.
 */
export async function writtenBy(pid: number): Promise<number> {
  const io = await Deno.readTextFile(`/proc/${pid}/io`);
  return field(io, /^write_bytes: (\d+)$/m);
}

/**
 * Finds the etcd that a node has started.
 *
 * @param pid The node's process.
 * @returns The process of etcd.
 * @throws {Error} If it has none.
 */
export async function etcdOf(pid: number): Promise<number> {
  // A child belongs to the thread that started it.
  for await (const { name: thread } of Deno.readDir(`/proc/${pid}/task`)) {
    const list = await Deno.readTextFile(
      `/proc/${pid}/task/${thread}/children`,
    );
    for (const child of list.split(" ").filter((text) => text !== "")) {
      const name = await Deno.readTextFile(`/proc/${child}/comm`);
      if (name === "etcd\n") return Number(child);
    }
  }
  throw new Error(`Process ${pid} has no etcd`);
}

/**
 * Waits until a process has ended that somebody else has started, of which nothing tells.
 *
 * @param pid The process.
 */
export async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
      // A zombie holds nothing open any more.
      if (stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")) return;
    } catch {
      return;
    }
    await delay(1);
  }
}

function field(text: string, pattern: RegExp): number {
  const [, value] = pattern.exec(text) ?? [];
  if (value === undefined) {
    throw new Error(`Cannot find ${pattern} in "${text}"`);
  }
  return Number(value);
}
