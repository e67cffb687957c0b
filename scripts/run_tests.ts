// deno-lint-ignore-file no-console -- the terminal is where its results go

import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseTestSummary, type TestSummary } from "./test_summary.ts";

/** A part of the run: one command. */
interface Group {
  name: string;
  /** @default deno */
  command?: string;
  args: string[];
  /** Variables on top of the environment. @default {{}} */
  env?: Record<string, string>;
  /** Whether its tests are counted one by one; a check counts as one. */
  counted: boolean;
  /** Minutes after which it is ended and has failed: a hang must not block anybody. */
  limit: number;
}

function check(name: string, ...args: string[]): Group {
  return { name, args, counted: false, limit: 5 };
}

function tests(name: string, limit: number, ...args: string[]): Group {
  const flags = [
    "--parallel",
    "--allow-all",
    "--no-prompt",
    "--no-remote",
    "--frozen",
    "--cached-only",
    // The types of everything are a check of their own.
    "--no-check",
    // Both are off unless asked for.
    "--sanitize-ops",
    "--sanitize-resources",
  ];
  return {
    name,
    args: ["test", ...flags, ...args],
    // They wait more than they compute: with one file for each core, half of the time is idle. But each of a cluster
    // starts several nodes at once, whose etcds are to answer in time.
    env: {
      DENO_JOBS: `${
        navigator.hardwareConcurrency + (name.includes("cluster") ? 0 : 1)
      }`,
    },
    counted: true,
    limit,
  };
}

/** What `args` ask for, in the order in which it runs. */
function plan(args: string[]): Group[] {
  const names = [
    "format",
    "lint",
    "types",
    "lock",
    "unit",
    "e2e",
    "cluster",
    "binary",
    "docs",
  ];
  const other = args.findIndex((arg) => !names.includes(arg));
  const named = other < 0 ? args : args.slice(0, other);
  const rest = args.slice(named.length);
  if (rest.some((arg) => existsSync(arg))) {
    return [tests(named[0] ?? "tests", 10, ...rest)];
  }

  const documents = globSync(["README.md", "docs/**/*.md"]);
  const groups = [
    check("format", "fmt", "--check"),
    check("lint", "lint"),
    check("types", "check", "--frozen", "."),
    check("lock", "install", "--quiet", "--frozen", "--cached-only"),
    tests(
      "unit",
      30,
      "--ignore=tests/e2e,tests/cluster,tests/binary",
      ...rest,
      "tests",
    ),
    ...["e2e", "cluster"].filter((name) => existsSync(`tests/${name}`))
      .map((name) => tests(name, 30, ...rest, `tests/${name}`)),
    tests("binary", 20, ...rest, "tests/binary"),
    check("docs", "check", "--frozen", "--doc-only", ".", ...documents),
  ];
  if (named.length > 0) {
    return groups.filter((group) => named.includes(group.name));
  }
  return rest.length > 0 ? groups.filter((group) => group.counted) : groups;
}

/** The programs of a process group that still run, except those that only wait to be reaped. */
function running(processGroup: number): string[] {
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).flatMap(
    (pid) => {
      try {
        // proc(5): PID (NAME) STATE PARENT GROUP …, and NAME may contain anything.
        const [, name = "", state, group] =
          /^\d+ \((.*)\) (\S) \d+ (\d+)/s.exec(
            readFileSync(`/proc/${pid}/stat`, "utf8"),
          ) ??
            [];
        return Number(group) === processGroup && state !== "Z"
          ? [`${name} (${pid})`]
          : [];
      } catch {
        return []; // It ended meanwhile.
      }
    },
  );
}

function killGroup(processGroup: number): void {
  try {
    Deno.kill(-processGroup, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The process group that runs now. */
let current: number | undefined;

async function run(group: Group): Promise<TestSummary> {
  console.log(`\n=== ${group.name}`);
  const child = new Deno.Command(group.command ?? Deno.execPath(), {
    args: group.args,
    env: {
      ...(Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" }),
      ...group.env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true, // as the leader of a process group, so that all of it can be ended
  }).spawn();
  current = child.pid;

  let output = "";
  const copy = async (
    from: ReadableStream<Uint8Array>,
    to: { writeSync(data: Uint8Array): number },
  ) => {
    const decoder = new TextDecoder();
    for await (const chunk of from) {
      output += decoder.decode(chunk, { stream: true });
      for (let written = 0; written < chunk.length;) {
        written += to.writeSync(chunk.subarray(written));
      }
    }
  };
  const copied = Promise.all([
    copy(child.stdout, Deno.stdout),
    copy(child.stderr, Deno.stderr),
  ]);

  const failures: string[] = [];
  const timer = setTimeout(() => {
    failures.push(`still running after ${group.limit} minutes`);
    killGroup(child.pid);
  }, group.limit * 60_000);
  const status = await child.status;
  clearTimeout(timer);

  // What the kernel ends together with its parent takes a moment.
  for (let tries = 0; tries < 300 && running(child.pid).length > 0; tries++) {
    await delay(100);
  }
  const left = running(child.pid);
  if (left.length > 0) failures.push(`left running: ${left.join(", ")}`);
  killGroup(child.pid);
  current = undefined;
  // A process that left the group may hold the pipes open.
  await Promise.race([copied, delay(2000, undefined, { ref: false })]);

  const summary = group.counted ? parseTestSummary(output) : undefined;
  const explained = failures.length > 0 ||
    (summary !== undefined && summary.failed > 0);
  const complete = status.success && (summary !== undefined || !group.counted);
  if (!complete && !explained) {
    failures.push(`ended with ${status.signal ?? `exit code ${status.code}`}`);
  }
  return {
    passed: summary?.passed ?? (group.counted || failures.length > 0 ? 0 : 1),
    failed: (summary?.failed ?? 0) + failures.length,
    failures: [...summary?.failures ?? [], ...failures],
  };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    if (current !== undefined) killGroup(current);
    Deno.exit(130);
  });
}

let passed = 0;
let failed = 0;
const failures: string[] = [];

async function count(group: Group): Promise<boolean> {
  const result = await run(group);
  passed += result.passed;
  failed += result.failed;
  failures.push(
    ...result.failures.map((failure) => `  ${group.name}: ${failure}`),
  );
  return result.failed === 0;
}

/**
 * Compiles the program and tests it: all there is where its base is one that Hamlet runs on, and where none is to be
 * had, what an older one can show.
 */
async function testBinary(group: Group): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "hamlet-" });
  const program = `${folder}/hamlet`;
  const compile = (name: string, ...flags: string[]): Group => ({
    ...check(name, ...flags, "--output", program),
    command: "scripts/compile",
  });
  try {
    const release = await run(compile("binary: with a base for releases"));
    const level = release.failed === 0 ? 2 : 1;
    console.log(
      level === 2
        ? "\nbinary: level 2, everything, since there is a base that Hamlet runs on"
        : "\nbinary: level 1, what the older base for checks can show: there is no base that Hamlet runs on, see above",
    );
    if (level === 1 && !await count(compile("compile", "--for-checks"))) return;
    const env = { ...group.env, HAMLET_BIN: program };
    await count({ ...group, env });
    if (level === 1) return;
    for (const name of ["e2e", "cluster"]) {
      if (!existsSync(`tests/${name}`)) continue;
      await count({ ...tests(`binary ${name}`, 15, `tests/${name}`), env });
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

for (const group of plan(Deno.args)) {
  if (group.name === "binary") await testBinary(group);
  else await count(group);
}
console.log(failures.length > 0 ? `\nFailed:\n${failures.join("\n")}` : "");
console.log(`tests: ${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
