/**
 * Makes one program of Hamlet, the plugins that a manifest declares, and etcd; called by `scripts/compile`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- it tells a person what goes into the program
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { StartError } from "../../runtime/node/errors.ts";
import { CompileError } from "./errors.ts";
import { makeProgram } from "./make_program.ts";

try {
  const { values } = parseArgs({
    options: {
      config: { type: "string" },
      output: { type: "string" },
      deb: { type: "string" },
      etcd: { type: "string" },
      target: { type: "string" },
      "for-checks": { type: "boolean", default: false },
    },
  });
  await makeProgram({
    config: resolve(
      values.config ?? new URL("../../deno.json", import.meta.url).pathname,
    ),
    output: resolve(
      values.output ??
        new URL("../../dist/hamlet", import.meta.url).pathname,
    ),
    deb: values.deb === undefined ? undefined : resolve(values.deb),
    etcd: values.etcd ?? "etcd",
    target: values.target ?? `${Deno.build.arch}-unknown-linux-gnu`,
    forChecks: values["for-checks"],
    say: console.log,
  });
} catch (error) {
  const misused = error instanceof TypeError && "code" in error;
  const expected = error instanceof CompileError || error instanceof StartError;
  if (!misused && !expected) throw error;
  console.error(`compile: ${error.message}`);
  Deno.exit(misused ? 2 : 1);
}
