import type { Build } from "../../runtime/build.ts";
import { pluginsText } from "../../runtime/cli/plugins_text.ts";
import { table } from "../../runtime/cli/table.ts";
import { version } from "../../runtime/version.ts";
import type { PluginEntry } from "../../runtime/manifest/mod.ts";
import type { Base } from "./base.ts";
import type { DigestedFile } from "./digest.ts";
import type { StagedPlugins } from "./stage_plugins.ts";

/** What goes into a program. */
export interface Contents {
  readonly build: Build;
  readonly base: Base;
  readonly target: string;
  /** Every file, by its path in the staging folder. */
  readonly files: readonly DigestedFile[];
  /** The npm packages, as `NAME@VERSION`. */
  readonly packages: readonly string[];
  readonly plugins: StagedPlugins["plugins"];
  readonly entries: readonly PluginEntry[];
}

/**
 * Says what goes into a program and what its plugins may touch, for a person who decides whether that is right.
 *
 * @param contents See {@linkcode Contents}.
 * @returns Several lines, without the last newline.
 */
export function contentsText(contents: Contents): string {
  const { build, base, target, files, packages, plugins, entries } = contents;
  const sizeBelow = (...paths: string[]) =>
    sizeText(
      files.filter((file) =>
        paths.some((path) =>
          file.path === path || file.path.startsWith(`${path}/`)
        )
      ).reduce((sum, { size }) => sum + size, 0),
    );
  return [
    `hamlet ${version} for ${target}, commit ${build.commit}`,
    `On the base of Deno ${base.version}${
      base.forChecks ? ", which is for checks only" : ""
    }`,
    "",
    ...table([
      ["WHAT", "SIZE", "SHA-256"],
      ["runtime", sizeBelow("hamlet/runtime", "hamlet/proto")],
      ["npm packages", sizeBelow("cache/npm")],
      ...packages.map((name) => [`  ${name}`]),
      ...plugins.map(({ name, code, digest }) => [
        `plugin ${name}`,
        sizeBelow(...code.map((path) => `hamlet/${path}`)),
        digest,
      ]),
      ...Object.entries(build.programs).map(([name, program]) => [
        `${name} ${program.version ?? ""}`,
        sizeBelow(`hamlet/programs/${name}`),
        program.digest,
      ]),
    ]),
    "",
    pluginsText(
      entries.map((entry, i) => ({
        ...entry,
        module: plugins[i]?.module ?? "",
        loaded: true,
        uses: Object.entries(entry.uses).map(([service, use]) => ({
          service,
          ...use,
        })),
      })),
      false,
    ),
  ].join("\n");
}

/**
 * Writes a size as people say it.
 *
 * @param bytes The size.
 */
export function sizeText(bytes: number): string {
  return bytes < 1024 * 1024
    ? `${(bytes / 1024).toFixed(1)} KiB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
