import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { run, type RunOptions, type RunOutput } from "../../support/process.ts";

/** The checkout. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What `hamlet version --json` says of a compiled program. */
export const Version = v.strictObject({
  hamlet: v.string(),
  deno: v.string(),
  os: v.string(),
  arch: v.string(),
  commit: v.string(),
  digest: v.string(),
  forChecks: v.boolean(),
  plugins: v.array(v.strictObject({ name: v.string(), digest: v.string() })),
  programs: v.record(
    v.string(),
    v.strictObject({ version: v.string(), digest: v.string() }),
  ),
});

/** The compiled program that is tested. */
export function program(): string {
  const path = Deno.env.get("HAMLET_BIN");
  assert.ok(
    path,
    "Run scripts/test binary, which compiles it, or set HAMLET_BIN",
  );
  return path;
}

/**
 * Asks a compiled program what it is.
 *
 * @param path The program. @default the one that is tested
 */
export async function versionOf(path: string = program()) {
  const { stdout } = await run(path, ["version", "--json"]);
  return v.parse(Version, JSON.parse(stdout));
}

/**
 * Compiles another program on the base of the one that is tested.
 *
 * @param checkout The checkout whose `scripts/compile` is called.
 * @param args Its arguments.
 * @param options See {@linkcode RunOptions}.
 */
export async function compile(
  checkout: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunOutput> {
  const { forChecks } = await versionOf();
  return await run(
    `${checkout}/scripts/compile`,
    [...forChecks ? ["--for-checks"] : [], ...args],
    { timeout: 120_000, ...options },
  );
}
