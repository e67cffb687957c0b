/**
 * What the compiled program costs over a checkout on the same Deno: its size over those of Deno and etcd, which a
 * checkout needs too, and the time and memory that it takes. On a base for checks, where no other is to be had, a node
 * has the plugins that work on it; its figures are for comparison, since nobody runs that Deno.
 */
import {
  checkoutCommand,
  nodeFolders,
  NodeProcess,
} from "../../tests/e2e/support/node_process.ts";
import { CommandError, run } from "../../tests/support/process.ts";
import { tempFolder } from "../../tests/support/temp.ts";
import { memoryOf } from "./proc.ts";
import { report } from "./report.ts";
import { rounds } from "./rounds.ts";
import { ratios } from "./statistics.ts";

const root = new URL("../../", import.meta.url).pathname;
const MEBI = 1024 ** 2;

/** Plugins that work on every base. */
const PLUGINS = ["--plugins", "network,hostsfile"];

/** The program, and the Deno that it was compiled by. */
interface Compiled {
  readonly path: string;
  readonly deno: string;
  /** What `scripts/compile` says that is in it, line by line. */
  readonly contents: readonly string[];
}

async function compile(path: string): Promise<Compiled> {
  const compileWith = async (...flags: string[]) => {
    const args = ["--output", path, ...flags];
    const { stdout } = await run(`${root}scripts/compile`, args, {
      timeout: 300_000,
    });
    return stdout.split("\n");
  };
  const named = Deno.env.get("DENO");
  try {
    const contents = await compileWith();
    return { path, deno: named ?? Deno.execPath(), contents };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
  }
  const contents = await compileWith("--for-checks");
  if (named !== undefined) return { path, deno: named, contents };
  const ask = '. "$0/scripts/tools.sh"; need_checks_base; echo "$checks_base"';
  const { stdout } = await run("bash", ["-c", ask, root], { timeout: 300_000 });
  return { path, deno: `${stdout.trim()}/deno`, contents };
}

/** Writes a program that starts the checkout on a Deno. */
async function checkoutOn(deno: string, path: string): Promise<string> {
  const [, ...args] = checkoutCommand();
  const command = [deno, ...args].map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(path, `#!/bin/sh\nexec ${command} "$@"\n`, {
    mode: 0o755,
  });
  return path;
}

/** What one of both took, by round. */
interface Costs {
  readonly program: string;
  readonly version: number[];
  readonly ready: number[];
  readonly memory: number[];
}

async function measure(costs: Costs): Promise<void> {
  const begin = performance.now();
  await run(costs.program, ["version"]);
  costs.version.push(performance.now() - begin);

  await using folders = await nodeFolders();
  const start = performance.now();
  await using node = new NodeProcess(folders, {
    program: costs.program,
    args: PLUGINS,
  });
  await node.ready();
  costs.ready.push(performance.now() - start);
  costs.memory.push((await memoryOf(node.pid)).resident / MEBI);
  await node.stop();
}

async function sizeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).size / MEBI;
}

const count = rounds();
await using folder = await tempFolder();
const { path, deno, contents } = await compile(`${folder.path}/hamlet`);
const checkout = await checkoutOn(deno, `${folder.path}/checkout`);
const [compiled, other] = [path, checkout].map((program): Costs => ({
  ...{ program, version: [], ready: [], memory: [] },
}));
if (compiled === undefined || other === undefined) throw new Error("Cannot be");

// Whatever is read from disk for the first time, or kept of a first start, is not looked at.
for (const program of [path, checkout]) {
  await measure({ program, version: [], ready: [], memory: [] });
}
for (let round = 0; round < count; round += 1) {
  await measure(compiled);
  await measure(other);
}

const { stdout: etcd } = await run("sh", ["-c", "command -v etcd"]);
const size = await sizeOf(path);
const needed = await sizeOf(deno) + await sizeOf(etcd.trim());
const compared = (
  name: string,
  unit: string,
  atMost: number,
  of: (costs: Costs) => number[],
) =>
  [
    { name: `${name}, compiled`, unit, values: of(compiled) },
    { name: `${name}, from a checkout`, unit, values: of(other) },
    {
      ...{ name: `${name}, compiled over checkout`, unit: "" },
      values: ratios(of(compiled), of(other)),
      aim: { atMost },
    },
  ] as const;
report("binary", [
  { name: "size of the program", unit: "MiB", values: [size] },
  { name: "size of Deno and etcd", unit: "MiB", values: [needed] },
  {
    ...{ name: "size, program over Deno and etcd", unit: "" },
    values: [size / needed],
    aim: { atMost: 1.25 },
  },
  ...compared("hamlet version", "ms", 1.5, ({ version }) => version),
  ...compared("a node until it is ready", "ms", 1.5, ({ ready }) => ready),
  ...compared("resident, ready", "MiB", 1.25, ({ memory }) => memory),
], {
  notes: contents.slice(1, contents.indexOf("", contents.indexOf("") + 1))
    // The packages are told together.
    .filter((line) => line !== "" && !line.startsWith(" "))
    .map((line) => line.replace(/ +[0-9a-f]{64}$/, "")),
});
