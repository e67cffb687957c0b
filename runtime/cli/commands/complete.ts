import { proposeCompletions } from "@stricli/core";
import { application } from "../application.ts";
import type { CliContext } from "../context.ts";

/** Proposes what the last word may become, one a line, with what it does after a tab. */
export default async function complete(
  this: CliContext,
  _flags: object,
  ...words: readonly string[]
): Promise<void> {
  const found = await proposeCompletions(
    application,
    words,
    this,
  );
  for (const { completion, brief } of found) {
    this.process.stdout.write(`${completion}\t${brief}\n`);
  }
}
