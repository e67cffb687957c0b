import type { CliContext } from "../context.ts";
import type { JsonFlag } from "../flags.ts";
import { version as hamlet } from "../version.ts";

/** Shows which version this is, and what it runs on. */
export default function version(this: CliContext, flags: JsonFlag): void {
  const { os, arch } = Deno.build;
  const answer = { hamlet, deno: Deno.version.deno, os, arch };
  this.process.stdout.write(
    flags.json
      ? `${JSON.stringify(answer)}\n`
      : `hamlet ${hamlet} (Deno ${answer.deno}, ${os} ${arch})\n`,
  );
}
