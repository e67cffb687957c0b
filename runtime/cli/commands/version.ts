import { build } from "../../this_build.ts";
import type { CliContext } from "../context.ts";
import type { JsonFlag } from "../flags.ts";
import { version as hamlet } from "../../version.ts";

/** Shows which version this is, what it runs on, and what a compiled one was made of. */
export default function version(this: CliContext, flags: JsonFlag): void {
  const { os, arch } = Deno.build;
  const deno = Deno.version.deno;
  const { commit, digest, forChecks, plugins, programs } = build ?? {};
  this.process.stdout.write(
    flags.json
      ? `${
        JSON.stringify({
          ...{ hamlet, deno, os, arch, commit, digest, forChecks },
          ...{ plugins, programs },
        })
      }\n`
      : [
        `hamlet ${hamlet} (Deno ${deno}, ${os} ${arch})`,
        ...(commit === undefined ? [] : [`commit ${commit}`]),
        ...Object.entries(programs ?? {}).map(([name, { version }]) =>
          `with ${name} ${version ?? "of a version not known"}`
        ),
        ...(forChecks
          ? ["For checks only: its base is older than what Hamlet runs on"]
          : []),
        "",
      ].join("\n"),
  );
}
