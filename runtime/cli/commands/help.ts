import { run } from "@stricli/core";
import { application } from "../application.ts";
import type { CliContext } from "../context.ts";

/** Shows how to use a command, as the command's own `--help` does. */
export default async function help(
  this: CliContext,
  _flags: object,
  ...words: readonly string[]
): Promise<void> {
  await run(application, [...words, "--help"], this);
}
