import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Machine } from "./machine.ts";
import { CommandError } from "./process.ts";

/** What systemd says of the service, systemctl(1). */
export interface ServiceState {
  readonly active: string;
  readonly status: string;
  /** Its main process, by the machine's own numbers; 0 for none. */
  readonly pid: number;
  /** How often systemd has started it again by itself. */
  readonly restarts: number;
  /** How it ended last. */
  readonly result: string;
  readonly exitCode: number;
}

/** Milliseconds that a node may take to start or end: far more than it does on a busy machine. */
const PATIENCE = 120_000;

/**
 * Calls systemctl for Hamlet's service, and waits for what it does.
 *
 * @param machine The machine.
 * @param args Its arguments before the unit.
 * @returns What it writes.
 * @throws {Error} If it fails; with the log of the service.
 */
export async function systemctl(
  machine: Machine,
  ...args: string[]
): Promise<string> {
  try {
    const { stdout } = await machine.run("systemctl", [...args, "hamlet"], {
      timeout: PATIENCE,
    });
    return stdout;
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    throw new Error(`${cause.message}${await journal(machine)}`, { cause });
  }
}

/** What the service and systemd about it have logged. */
export async function journal(machine: Machine): Promise<string> {
  await machine.run("journalctl", ["--sync"]);
  return (await machine.run("journalctl", ["--no-pager", "--unit", "hamlet"]))
    .stdout;
}

/** Asks systemd how the service is. */
export async function serviceState(machine: Machine): Promise<ServiceState> {
  const names =
    "ActiveState,StatusText,MainPID,NRestarts,Result,ExecMainStatus";
  const text = await systemctl(machine, "show", `--property=${names}`);
  const value = (name: string) =>
    new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
  return {
    active: value("ActiveState"),
    status: value("StatusText"),
    pid: Number(value("MainPID")),
    restarts: Number(value("NRestarts")),
    result: value("Result"),
    exitCode: Number(value("ExecMainStatus")),
  };
}

/**
 * Waits until the service is as it should be; systemd tells only what it is asked.
 *
 * @param machine The machine.
 * @param matches Tells whether it is.
 * @returns How it is then.
 */
export async function untilService(
  machine: Machine,
  matches: (state: ServiceState) => boolean,
): Promise<ServiceState> {
  const late = performance.now() + PATIENCE;
  for (;;) {
    const state = await serviceState(machine);
    if (matches(state)) return state;
    assert.ok(
      performance.now() < late,
      `It does not get there: ${JSON.stringify(state)}\n${await journal(
        machine,
      )}`,
    );
    await delay(100);
  }
}

/**
 * Changes the service's unit as an operator does.
 *
 * @param machine The machine.
 * @param settings Lines of its section `Service`.
 */
export async function editService(
  machine: Machine,
  ...settings: string[]
): Promise<void> {
  const folder = `${machine.root}/etc/systemd/system/hamlet.service.d`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/test.conf`,
    `[Service]\n${settings.map((line) => `${line}\n`).join("")}`,
  );
  await machine.run("systemctl", ["daemon-reload"]);
}

/** Finds the processes of the service, by the machine's own numbers. */
export async function serviceProcesses(machine: Machine): Promise<string[]> {
  try {
    // That of the machine, read by one of its processes.
    const { stdout } = await machine.run("cat", [
      "/sys/fs/cgroup/system.slice/hamlet.service/cgroup.procs",
    ]);
    return stdout.split("\n").filter((pid) => pid !== "");
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

/**
 * Checks that every process of the service is confined as its unit says, with the host name allowed.
 *
 * @param machine The machine.
 * @returns The names of their programs.
 */
export async function assertConfined(machine: Machine): Promise<string[]> {
  const names: string[] = [];
  for (const pid of await serviceProcesses(machine)) {
    const status = await Deno.readTextFile(
      `${machine.root}/proc/${pid}/status`,
    );
    // CAP_SYS_ADMIN alone, capabilities(7).
    assert.match(status, /^CapBnd:\s0*200000$/m);
    assert.match(status, /^NoNewPrivs:\s1$/m);
    assert.match(status, /^Seccomp:\s2$/m);
    names.push(/^Name:\s(.*)$/m.exec(status)?.[1] ?? "");
    // What it has to do with files, by someone who may do everything.
    const inside = (...command: string[]) =>
      machine.run("nsenter", ["--target", pid, "--mount", ...command]);
    for (const folder of ["/etc", "/usr", "/var/lib", "/opt"]) {
      await assert.rejects(
        inside("touch", `${folder}/test`),
        /Read-only file system/,
      );
    }
    const { stdout } = await inside("ls", "-A", "/home", "/root", "/tmp");
    assert.equal(stdout, "/home:\n\n/root:\n\n/tmp:\n");
  }
  return names.sort();
}
