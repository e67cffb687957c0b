import { fileURLToPath } from "node:url";
import {
  type InstallOptions,
  installSteps,
} from "../../../runtime/install/plan.ts";
import { takeSteps } from "../../../runtime/install/step.ts";
import { findProgram } from "../../../runtime/node/find_program.ts";
import { readManifest } from "../../../runtime/node/read_manifest.ts";
import { bootMachine, type Machine } from "../../support/machine.ts";
import { run } from "../../support/process.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = "/usr/local/bin/hamlet";
const BROUGHT = "/opt/hamlet";

/** The program in place of a compiled one: the unit hides home folders, where Deno and the checkout may be. */
const LAUNCHER = `#!/bin/sh
export DENO_DIR=${BROUGHT}/cache DENO_NO_UPDATE_CHECK=1
exec ${BROUGHT}/deno run $(cat ${BROUGHT}/checkout/scripts/deno-flags) \\
  --config ${BROUGHT}/checkout/deno.json ${BROUGHT}/checkout/runtime/cli/main.ts "$@"
`;

/**
 * Boots a machine that has Hamlet, with etcd and all plugins, as a service that is not started: the compiled program
 * that `HAMLET_BIN` names, or else this checkout.
 */
export async function serviceMachine(): Promise<Machine> {
  const compiled = Deno.env.get("HAMLET_BIN");
  if (compiled) return await bootMachine({ [PROGRAM]: compiled });
  const etcd = await findProgram("etcd", Deno.env.get("PATH") ?? "");
  await using cleanup = new AsyncDisposableStack();
  const machine = cleanup.use(
    await bootMachine({
      [`${BROUGHT}/deno`]: Deno.execPath(),
      [`${BROUGHT}/cache`]: await denoDir(),
      [`${BROUGHT}/checkout`]: root,
      ...etcd === undefined ? {} : { "/usr/local/bin/etcd": etcd },
    }),
  );
  const program = `${machine.root}${PROGRAM}`;
  await Deno.writeTextFile(program, LAUNCHER);
  await Deno.chmod(program, 0o755);
  cleanup.move();
  return machine;
}

/**
 * Does what `hamlet install` does but for the program, which is there.
 *
 * @param machine The machine.
 * @param options What it is told.
 */
export async function installService(
  machine: Machine,
  options: Pick<InstallOptions, "first" | "config">,
): Promise<void> {
  const { plugins } = await readManifest(`${root}deno.json`);
  const steps = await installSteps({
    ...options,
    root: machine.root,
    booted: false,
    plugins,
  });
  await takeSteps(steps.filter(({ kind }) => kind !== "program"), {
    dryRun: false,
    say() {},
  });
  await machine.run("systemctl", ["daemon-reload"]);
}

async function denoDir(): Promise<string> {
  const { stdout } = await run(Deno.execPath(), ["info", "--json"]);
  const { denoDir }: { denoDir: string } = JSON.parse(stdout);
  return denoDir;
}
