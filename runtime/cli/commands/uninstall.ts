import { resolve } from "node:path";
import { isBooted } from "../../install/is_booted.ts";
import { uninstallSteps } from "../../install/plan.ts";
import { takeSteps } from "../../install/step.ts";
import type { CliContext } from "../context.ts";
import type { MachineFlags } from "./install.ts";

/** Takes back what `hamlet install` did. */
export default async function uninstall(
  this: CliContext,
  { dryRun, root: given, purge }: MachineFlags & { readonly purge: boolean },
): Promise<void> {
  const root = resolve(given);
  const booted = await isBooted(root);
  const steps = await uninstallSteps({ root, booted, purge });
  const say = (line: string) => void this.process.stdout.write(`${line}\n`);
  await takeSteps(steps, { dryRun, say });
  say(
    dryRun
      ? "Nothing of this has been done"
      : purge
      ? "Uninstalled, with the node's data"
      : "Uninstalled; /var/lib/hamlet and /etc/hamlet are left as they are",
  );
}
