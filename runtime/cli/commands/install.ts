import { resolve } from "node:path";
import { isBooted } from "../../install/is_booted.ts";
import { installSteps } from "../../install/plan.ts";
import { takeSteps } from "../../install/step.ts";
import { effectiveSettings } from "../../node/effective_settings.ts";
import { roleOfToken } from "../../node/join_token.ts";
import { manifestPath } from "../../node/manifest_path.ts";
import { readManifest } from "../../node/read_manifest.ts";
import { build } from "../../this_build.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { type OriginFlags, readOrigin } from "../origin.ts";

/** Where `install` and `uninstall` do their work. */
export interface MachineFlags {
  readonly dryRun: boolean;
  readonly root: string;
}

/** Flags of the command. */
interface InstallFlags extends MachineFlags, OriginFlags {
  readonly name?: string;
  readonly listen?: string;
  readonly advertise?: string;
  readonly hostname?: "on" | "off";
}

/** Makes this machine run a node as a service. */
export default async function install(
  this: CliContext,
  flags: InstallFlags,
): Promise<void> {
  const { dryRun, root: given, newCluster, join, joinFile } = flags;
  const { name, listen, advertise, hostname } = flags;
  // Flags that were not given are there, as undefined.
  const config = {
    ...(name !== undefined && { name }),
    ...(listen !== undefined && { listen }),
    ...(advertise !== undefined && { advertise }),
    ...(hostname !== undefined && { hostname }),
  };
  if (build === undefined && !dryRun) {
    throw new UsageError(
      "Cannot install a checkout: compile it with scripts/compile, and install the program that comes of it",
    );
  }
  // A mistake is told now, not by a service that does not start.
  effectiveSettings(config, {});
  const first = await readOrigin(this, { newCluster, join, joinFile });
  if (first.joinToken !== undefined) roleOfToken(first.joinToken);
  const { plugins } = await readManifest(manifestPath(undefined));
  const root = resolve(given);
  const steps = await installSteps({
    root,
    booted: await isBooted(root),
    plugins,
    first,
    config,
  });
  const say = (line: string) => void this.process.stdout.write(`${line}\n`);
  await takeSteps(steps, { dryRun, say });
  say(
    dryRun && build === undefined
      ? "Nothing of this has been done, nor can it be from a checkout: compile it with scripts/compile, and install the program that comes of it"
      : dryRun
      ? "Nothing of this has been done"
      : "Installed; it starts with the machine, and now with: systemctl start hamlet",
  );
}
