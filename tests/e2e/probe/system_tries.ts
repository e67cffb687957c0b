import childProcess from "node:child_process";
import cluster from "node:cluster";
import inspector from "node:inspector";
import os from "node:os";
import process from "node:process";
import v8 from "node:v8";
import { DatabaseSync } from "node:sqlite";
import { present, settled, type Tries } from "./attempt.ts";

/** What the probe is told of the machine. */
export interface SystemTargets {
  /** A process of the node that is not the probe's, such as etcd. */
  readonly pid: number;
  /** A variable of the node's environment that the probe was not granted. */
  readonly variable: string;
  /** A folder of the probe's own. */
  readonly own: string;
  /** A file that it may not touch. */
  readonly secret: string;
}

/** A function of an object, whether its types know it or not. */
function method(of: object, name: string): (...args: unknown[]) => unknown {
  const found: unknown = Reflect.get(of, name);
  if (typeof found === "function") return found.bind(of);
  throw new Error(`It does not exist: ${name}`);
}

/**
 * Programs, libraries, the environment, the machine, other processes, and what is not there at all.
 *
 * Left out is what Deno 2.9 refuses to no Worker, which is why a stranger's plugin runs as a process:
 * SIGKILL to its own process, a loop or a heap without end, writing to the standard streams, the files
 * of the Cache API in Deno's own folder, BroadcastChannel between plugins that both want it, and taking
 * an open file descriptor of the process by number (`new net.Socket({ fd })`).
 *
 * @param targets What to try it with.
 * @returns The tries.
 */
export function systemTries(targets: SystemTargets): Tries {
  const { pid, variable, own, secret } = targets;
  const libc = "libc.so.6";
  const mark = `${own}/ran`;
  return {
    "Deno.Command": () =>
      new Deno.Command("touch", { args: [mark] }).outputSync(),
    "Deno.Command of this program": () =>
      new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync(),
    "Deno.run": () => method(Deno, "run")({ cmd: ["touch", mark] }),
    "Deno.spawn": () => method(Deno, "spawn")("touch", [mark]),
    "node:child_process spawn()": () =>
      settled((resolve, reject) =>
        childProcess.spawn("touch", [mark], { env: {} }).on("error", reject)
          .on("exit", resolve)
      ),
    "node:child_process spawnSync()": () => {
      const { error, status } = childProcess.spawnSync("touch", [mark], {
        env: {},
      });
      if (status !== 0) throw error ?? new Error("It did not run");
    },
    "node:child_process exec()": () =>
      settled((resolve, reject) =>
        childProcess.exec(
          `touch ${mark}`,
          (error) => error ? reject(error) : resolve(0),
        )
      ),
    "node:child_process fork()": () =>
      settled((resolve, reject) =>
        childProcess.fork(`${own}/fork.js`).on("error", reject)
          .on("exit", resolve)
      ),
    "node:cluster": () => cluster.fork(),
    "process.execve": () =>
      method(process, "execve")("/bin/touch", ["touch", mark]),
    "binding of spawn_sync": () =>
      method(binding("spawn_sync"), "spawn")({
        file: "touch",
        args: ["touch", mark],
      }),
    "binding of process_wrap": () => binding("process_wrap"),

    "Deno.dlopen": () =>
      Deno.dlopen(libc, { getpid: { parameters: [], result: "i32" } }),
    "Deno.UnsafePointer.create": () => Deno.UnsafePointer.create(4096n),
    "Deno.UnsafePointer.of": () => Deno.UnsafePointer.of(new Uint8Array(8)),
    "Deno.UnsafeCallback": () =>
      new Deno.UnsafeCallback(
        { parameters: [], result: "void" },
        () => {},
      ),
    "process.dlopen": () => method(process, "dlopen")({ exports: {} }, libc),
    "node:sqlite loadExtension": () =>
      new DatabaseSync(":memory:", { allowExtension: true })
        .loadExtension(libc),
    "node:sqlite ATTACH": () =>
      new DatabaseSync(":memory:").exec(`ATTACH '${secret}.db' AS other`),
    "node:sqlite VACUUM INTO": () =>
      new DatabaseSync(":memory:").exec(
        `CREATE TABLE t (x); VACUUM INTO '${secret}.db'`,
      ),

    "Deno.env.get": () => Deno.env.get(variable),
    "Deno.env.has": () => Deno.env.has(variable),
    "Deno.env.set": () => Deno.env.set(variable, ""),
    "Deno.env.delete": () => Deno.env.delete(variable),
    "Deno.env.toObject": () => Deno.env.toObject(),
    "process.env": () => process.env[variable],
    "process.env of all": () => Object.keys(process.env),
    "process.loadEnvFile": () => process.loadEnvFile(`${own}/env`),

    "Deno.hostname": () => Deno.hostname(),
    "Deno.loadavg": () => Deno.loadavg(),
    "Deno.networkInterfaces": () => Deno.networkInterfaces(),
    "Deno.systemMemoryInfo": () => Deno.systemMemoryInfo(),
    "Deno.uid": () => Deno.uid(),
    "Deno.gid": () => Deno.gid(),
    "Deno.osUptime": () => Deno.osUptime(),
    "os.cpus": () => os.cpus(),
    "os.userInfo": () => os.userInfo(),
    "os.homedir": () => os.homedir(),
    "os.setPriority": () => os.setPriority(0, 19),
    "process.getuid": () => process.getuid?.(),
    "process.setuid": () => process.setuid?.(65534),
    "process.setgroups": () => process.setgroups?.([]),
    "Deno.umask": () => Deno.umask(0o777),
    "Deno.umask, only asked": () => Deno.umask(),
    "process.umask": () => process.umask(0o777),
    "Deno.chdir": () => Deno.chdir("/"),
    "process.chdir": () => process.chdir("/"),

    ...Object.fromEntries(
      ([pid, Deno.ppid, 1, 0, -1, -Deno.pid] as const).flatMap((other) => [
        // One that does nothing to a process that does not ask for it.
        [`Deno.kill ${name(other)}`, () => Deno.kill(other, "SIGURG")],
        [`process.kill ${name(other)}`, () => process.kill(other, "SIGURG")],
      ]),
    ),
    "process.abort": () => process.abort(),

    "inspector.open": () => inspector.open(0),
    "inspector.Session": () => new inspector.Session().connect(),
    "inspector.Session of the main thread": () =>
      new inspector.Session().connectToMainThread(),
    "v8.writeHeapSnapshot": () => v8.writeHeapSnapshot(`${secret}.heap`),
    "v8.setFlagsFromString": () => {
      v8.setFlagsFromString("--allow-natives-syntax");
      return (0, eval)("%GetOptimizationStatus(function () {})");
    },

    ...Object.fromEntries(
      (["read", "write", "net", "env", "sys", "run", "ffi"] as const).map((
        permission,
      ) => [`Deno.permissions.request ${permission}`, async () => {
        const { state } = await Deno.permissions.request({ name: permission });
        if (state !== "granted") {
          throw new Error(`It is ${state}: ${permission}`);
        }
      }]),
    ),
    "operations of Deno itself": () => {
      const internal = Reflect.get(Deno, Reflect.get(Deno, "internal"));
      const { core } = internal;
      return core.ops.op_read_all ?? core.ops.op_spawn_child ??
        core.ops.op_fs_open_sync ?? core.ops.op_ffi_load ??
        present(undefined);
    },
    ...Object.fromEntries(
      [
        "openKv",
        "cron",
        "bundle",
        "listenDatagram",
        "QuicEndpoint",
        "createWebWorker",
        "core",
      ].map((name) => [`Deno.${name}`, () => present(Reflect.get(Deno, name))]),
    ),
    ...Object.fromEntries(
      ["WebTransport", "WebSocketStream", "localStorage", "importScripts"].map(
        (name) => [name, () => present(Reflect.get(globalThis, name))],
      ),
    ),
  };

  function name(other: number): string {
    if (other === pid) return "of a process of the node";
    if (other === Deno.ppid) return "of the node's parent";
    return other === -Deno.pid ? "of its own group" : `of ${other}`;
  }
}

function binding(name: string): object {
  const found = method(process, "binding")(name);
  if (typeof found === "object" && found !== null) return found;
  throw new Error(`It does not exist: ${name}`);
}

/**
 * What of all this the probe was granted.
 *
 * @param variable A variable of the environment that it may read.
 * @returns The tries, none of which is refused.
 */
export function systemControls(variable: string): Tries {
  return {
    "Deno.env.get": () => {
      if (Deno.env.get(variable) !== "granted") throw new Error("Not there");
    },
    "process.env": () => {
      if (process.env[variable] !== "granted") throw new Error("Not there");
    },
    "Deno.osRelease": () => Deno.osRelease(),
    "os.release": () => os.release(),
    "node:sqlite in memory": () =>
      new DatabaseSync(":memory:").exec("SELECT 1"),
  };
}
