import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type * as v from "valibot";
import {
  processService,
  type ProcessServiceOptions,
} from "../../../runtime/node/process_service.ts";
import { ServiceError } from "../../../runtime/service/errors.ts";
import type {
  ProcessEvent,
  ProcessScope,
} from "../../../runtime/services/process.ts";

type Event = v.InferOutput<typeof ProcessEvent>;

/** A service whose only user may run the shell with any argument. */
function shell(options: Partial<ProcessServiceOptions> = {}) {
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  const service = processService({
    programs: {},
    cwd: "/",
    marker: ["HAMLET_NODE", "test"],
    log: { debug: log, info: log, warn: log, error: log },
    ...options,
  });
  const canceled = new AbortController();
  const run = (
    script: string,
    scope: ProcessScope = { sh: { args: ["**"] } },
    program = "sh",
    args = ["-c", script],
  ) =>
    service.implementation.run({ program, args }, {
      name: "consensus",
      scope,
      signal: canceled.signal,
    });
  return { service, run, cancel: () => canceled.abort(), logged };
}

async function all(events: AsyncIterable<Event>): Promise<Event[]> {
  return await Array.fromAsync(events);
}

/** Waits for what the kernel tells nobody of. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

function isAlive(pid: number): boolean {
  try {
    // A process that only waits to be reaped is dead.
    return !/^State:\tZ/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("processService() runs a program and tells its lines and its end", async () => {
  const { run, service } = shell();
  const [started, ...rest] = await all(
    run("echo one; echo two >&2; printf three; exit 3"),
  );
  assert(started?.kind === "started" && !isAlive(started.pid));
  assert.deepEqual(rest.at(-1), { kind: "exited", code: 3 });
  assert.deepEqual(
    rest.slice(0, -1).map((event) =>
      event.kind === "line" ? `${event.from} ${event.text}` : event.kind
    ).sort(),
    ["stderr two", "stdout one", "stdout three"],
  );
  await service.ended();
});

Deno.test("processService() tells the signal that ended a program", async () => {
  const { run } = shell();
  const end = (await all(run("kill -KILL $$"))).at(-1);
  assert.deepEqual(end, { kind: "exited", code: 137, signal: "SIGKILL" });
});

Deno.test("processService() gives a program a clean environment, no input, and the folder of its scope", async () => {
  const { run } = shell();
  Deno.env.set("ETCD_NAME", "leaked");
  try {
    const scope = { sh: { args: ["**"], cwd: "/tmp" } };
    const lines = (await all(run("pwd; env; cat", scope))).flatMap((event) =>
      event.kind === "line" ? [event.text] : []
    );
    assert.equal(lines[0], "/tmp");
    assert.deepEqual(lines.slice(1).map((line) => line.split("=")[0]).sort(), [
      "HAMLET_NODE",
      "LANG",
      "PATH",
      "PWD",
    ]);
  } finally {
    Deno.env.delete("ETCD_NAME");
  }
});

const refused: [criterion: string, program: string, args: string[]][] = [
  ["a program that is not declared", "bash", []],
  ["a program named like a property of every object", "constructor", []],
  ["an argument that no pattern allows", "sh", ["--name=other"]],
  ["an argument with a folder where the pattern has none", "sh", ["--url=a/b"]],
  ["an argument with more behind what is allowed", "sh", ["-j2"]],
  ["an argument with a line break before what is allowed", "sh", ["x\n-j"]],
];
for (const [criterion, program, args] of refused) {
  Deno.test(`processService() refuses ${criterion}`, async () => {
    const { run } = shell();
    const scope = { sh: { args: ["-j", "--name=node.1", "--url=*"] } };
    await assert.rejects(
      all(run("", scope, program, args)),
      (error) =>
        error instanceof ServiceError && error.code === "not-permitted" &&
        error.message.includes("consensus"),
    );
  });
}

Deno.test("processService() lets * stand for anything but a slash, and ** for anything", async () => {
  const { run } = shell();
  const scope = {
    echo: { args: ["--url=https://*:1", "--dir=/a/**", "--dot=a.b"] },
  };
  const run2 = (arg: string) => all(run("", scope, "echo", [arg]));
  for (const arg of ["--url=https://h:1", "--dir=/a/b/c", "--dot=a.b"]) {
    assert.equal((await run2(arg)).length, 3);
  }
  for (const arg of ["--url=https://h/x:1", "--dir=/b", "--dot=axb"]) {
    await assert.rejects(run2(arg));
  }
});

Deno.test("processService() says what to do about a program that is not there", async () => {
  const scope = { etcd: { args: [] }, "no-such-program": { args: [] } };
  const code = (error: unknown) =>
    error instanceof ServiceError
      ? `${error.code}: ${error.message}`
      : String(error);
  await assert.rejects(
    all(shell().run("", scope, "no-such-program", [])),
    (error) => {
      assert.equal(
        code(error),
        'not-found: Cannot find the program "no-such-program" on the PATH: install it, or give its path under "programs" ' +
          "in the config file",
      );
      return true;
    },
  );
  for (const path of ["/no/such/etcd", "/etc/passwd", "/usr"]) {
    await assert.rejects(
      all(shell({ programs: { etcd: path } }).run("", scope, "etcd", [])),
      (error) => {
        assert(
          code(error).startsWith(
            `not-found: Cannot run "${path}" as "etcd": it is no file that may be executed`,
          ),
        );
        assert(code(error).includes("--etcd"));
        return true;
      },
    );
  }
});

Deno.test("processService() runs the program of the configured path", async () => {
  const { run } = shell({ programs: { etcd: "/bin/echo" } });
  const [, line] = await all(
    run("", { etcd: { args: ["*"] } }, "etcd", ["hello"]),
  );
  assert.deepEqual(line, { kind: "line", from: "stdout", text: "hello" });
});

Deno.test("processService() ends a canceled program with SIGTERM, and waits for its end", async () => {
  const { run, cancel, service } = shell();
  const events = run(
    "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done",
  )[Symbol.asyncIterator]();
  let event = await events.next();
  while (!event.done && event.value.kind !== "line") {
    event = await events.next();
  }
  cancel();
  const rest: Event[] = [];
  for (event = await events.next(); !event.done; event = await events.next()) {
    rest.push(event.value);
  }
  assert.deepEqual(rest, [{ kind: "line", from: "stdout", text: "bye" }, {
    kind: "exited",
    code: 0,
  }]);
  await service.ended();
});

Deno.test("processService() kills what does not end within the grace period, and says so", async () => {
  const { run, logged } = shell({ gracePeriod: 50 });
  let pid = 0;
  for await (
    const event of run("trap '' TERM; echo up; while :; do sleep 0.01; done")
  ) {
    if (event.kind === "started") pid = event.pid;
    if (event.kind === "line") break;
  }
  assert(pid > 0 && !isAlive(pid));
  assert.deepEqual(logged, [
    'Program "sh" of plugin "consensus" has not ended 50 ms after SIGTERM',
  ]);
});

Deno.test("processService() says when a canceled program has ended, whatever else runs", async () => {
  const { service, run, cancel } = shell();
  const other = new AbortController();
  const stays = service.implementation.run(
    { program: "sh", args: ["-c", "exec sleep 60"] },
    {
      name: "network",
      scope: { sh: { args: ["**"] } },
      signal: other.signal,
    },
  )[Symbol.asyncIterator]();
  await stays.next();
  await service.canceledEnded();

  const events = run(
    'trap "sleep 0.3; exit" TERM; echo ready; while :; do sleep 0.01; done',
  )[Symbol.asyncIterator]();
  const started = (await events.next()).value;
  assert(started?.kind === "started");
  await events.next();
  cancel();
  assert(isAlive(started.pid));
  await service.canceledEnded();
  assert(!isAlive(started.pid));

  other.abort();
  await Promise.all([events.return?.(), stays.return?.(), service.ended()]);
});

Deno.test("processService() does not start a program again before the one that was canceled has ended", async () => {
  const { run, service } = shell();
  const script = (name: string) =>
    `trap 'sleep 0.1; exit 0' TERM; echo ${name}; while :; do sleep 0.01; done`;
  let first = 0;
  const events = run(script("first"))[Symbol.asyncIterator]();
  for (
    let event = await events.next();
    !event.done && event.value.kind !== "line";
    event = await events.next()
  ) {
    if (event.value.kind === "started") first = event.value.pid;
  }
  const returned = events.return?.();
  for await (const event of run(script("second"))) {
    if (event.kind === "started") assert(!isAlive(first), "Two at once");
    if (event.kind === "line") break;
  }
  await returned;
  await service.ended();
});

Deno.test("processService() cuts a giant line and goes on", async () => {
  const { run } = shell();
  const events = await all(
    run("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo next"),
  );
  const lines = events.flatMap((event) =>
    event.kind === "line" ? [event.text] : []
  );
  assert.deepEqual(lines.map((line) => line.length), [64 * 1024 + 1, 4]);
  assert(lines[0]?.endsWith("x…"));
});

Deno.test("processService() counts the lines that a slow reader missed, and never holds the program up", async () => {
  const { run, service } = shell();
  const events = run("seq 1 300000; echo last >&2")[Symbol.asyncIterator]();
  await events.next();
  // Nobody reads, and it ends all the same.
  await service.ended();
  let lines = 0;
  let dropped = 0;
  let end: Event | undefined;
  for (
    let event = await events.next();
    !event.done;
    event = await events.next()
  ) {
    if (event.value.kind === "line") lines++;
    if (event.value.kind === "dropped") dropped += event.value.lines;
    end = event.value;
  }
  assert.equal(lines + dropped, 300_001);
  assert(lines > 1000 && lines < 20_000, `${lines} lines were kept`);
  assert.deepEqual(end, { kind: "exited", code: 0 });
});

Deno.test("processService() ends with a program whose own child holds its output open", async () => {
  const { run } = shell();
  let child = 0;
  for await (const event of run("sleep 60 & echo $!")) {
    if (event.kind === "line") child = Number(event.text);
  }
  assert(isAlive(child));
  Deno.kill(child, "SIGKILL");
});

const modules = new URL("../../../runtime/node/", import.meta.url).href;

Deno.test("processService() leaves no process behind when the node is killed, be it at once", async () => {
  const source = `
    import { processService } from "${modules}process_service.ts";
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const service = processService({ programs: {}, cwd: "/", marker: ["HAMLET_NODE", "test"], log });
    const caller = { name: "x", scope: { sleep: { args: ["*"] } }, signal: new AbortController().signal };
    for await (const event of service.implementation.run({ program: "sleep", args: ["60"] }, caller)) {
      console.log(event.pid);
    }`;
  await using node = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-all",
      "--no-config",
      `data:application/javascript,${encodeURIComponent(source)}`,
    ],
    stdout: "piped",
  }).spawn();
  let pid = 0;
  for await (const chunk of node.stdout) {
    pid = Number(new TextDecoder().decode(chunk));
    break;
  }
  assert(isAlive(pid));
  node.kill("SIGKILL");
  await node.status;
  await until(() => !isAlive(pid));
});
