import { readFile } from "node:fs/promises";
import { run } from "../../tests/support/process.ts";

/** An etcd that also logs to a file of ours, and is the same otherwise. */
export interface LoggingEtcd {
  /** The program. */
  readonly path: string;
  /** What it logs to, one JSON object a line. */
  readonly log: string;
}

/**
 * Makes a program that is the etcd on the PATH and also logs to a file.
 *
 * @param folder Where to keep both.
 * @returns The program and its log.
 */
export async function loggingEtcd(folder: string): Promise<LoggingEtcd> {
  const { stdout } = await run("sh", ["-c", "command -v etcd"]);
  const path = `${folder}/etcd`;
  const log = `${folder}/etcd.log`;
  // Of a flag that is given twice, etcd takes the last.
  const script =
    `#!/bin/sh\nexec "${stdout.trim()}" "$@" "--log-outputs=stderr,${log}"\n`;
  await Deno.writeTextFile(path, script, { mode: 0o755 });
  return { path, log };
}

/**
 * Tells how long an etcd that is alone waited for its election, by its own clock. That is a random part of its election
 * timeout, another one at each start (Raft, section 5.2), and most of what a start takes.
 *
 * @param log The log's path, of which the last start counts; it is empty afterwards.
 * @returns Milliseconds.
 * @throws {Error} If there was none.
 */
export async function electionTime(log: string): Promise<number> {
  const lines = (await readFile(log, "utf8")).split("\n");
  const last = (message: string) => {
    const line = lines.findLast((text) => text.includes(message)) ?? "";
    return Date.parse(/"ts":"([^"]+)"/.exec(line)?.[1] ?? "");
  };
  const time = last("elected leader") - last('"msg":"starting etcd server"');
  if (Number.isNaN(time)) {
    throw new Error(`Cannot find an election in ${log}:\n${lines.join("\n")}`);
  }
  await Deno.truncate(log);
  return time;
}
