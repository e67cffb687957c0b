import { CommandFailed } from "./errors.ts";
import type { CliContext } from "./context.ts";

/**
 * Shows the steps of something that takes a while.
 *
 * @param context The command's context.
 * @param steps The steps, each as it is done.
 * @param json Whether to write JSON, a line for each.
 * @throws {CommandFailed} If they end before the last one.
 */
export async function showSteps(
  { process }: CliContext,
  steps: AsyncIterable<{ readonly step: string; readonly done: boolean }>,
  json: boolean,
): Promise<void> {
  let done = false;
  for await (const item of steps) {
    process.stdout.write(json ? `${JSON.stringify(item)}\n` : `${item.step}\n`);
    done = item.done;
  }
  if (done) return;
  throw new CommandFailed(
    "The node broke off; give the same command again, it goes on where that ended",
  );
}
