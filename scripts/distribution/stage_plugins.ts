import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Build } from "../../runtime/build.ts";
import { ifThere } from "../../runtime/if_there.ts";
import { isWithin } from "../../runtime/manifest/granted_path.ts";
import type { PluginEntry } from "../../runtime/manifest/mod.ts";
import { ownCode } from "../../runtime/manifest/own_code.ts";
import { copy } from "./copy.ts";
import { CompileError } from "./errors.ts";
import {
  type DigestedFile,
  digestFiles,
  digestOf,
  digestOfAll,
} from "./digest.ts";

/** Where a manifest that is not Hamlet's own goes, with the plugins below its folder. */
const DISTRIBUTION = "distribution";

/** What was put in of the plugins. */
export interface StagedPlugins {
  /** Where the manifest is. */
  readonly manifest: string;
  /** In the order of the manifest. */
  readonly plugins: readonly (Build["plugins"][number] & {
    /** Its file, or the folder of all its files, and its contracts. */
    readonly code: readonly string[];
    readonly module: string;
  })[];
}

/**
 * Puts the code of plugins in, and the manifest that declares them.
 *
 * @param hamlet The folder of Hamlet's `deno.json`.
 * @param config The manifest.
 * @param entries What it declares.
 * @param to The folder that takes the place of `hamlet`.
 * @returns Where everything is, from `to`.
 * @throws {CompileError} If a contract is missing.
 */
export async function stagePlugins(
  hamlet: string,
  config: string,
  entries: readonly PluginEntry[],
  to: string,
): Promise<StagedPlugins> {
  const own = dirname(config);
  const isOther = own !== hamlet;
  /** Hamlet may lie below the folder of the manifest, or the other way round. */
  const place = (path: string): string => {
    const ofHamlet = isWithin(path, hamlet) &&
      !(isOther && isWithin(own, hamlet) && isWithin(path, own));
    return ofHamlet
      ? relative(hamlet, path)
      : `${DISTRIBUTION}/${relative(own, path)}`;
  };
  const manifest = isOther ? place(config) : "deno.json";
  if (isOther) await copy(config, `${to}/${manifest}`);

  const plugins: StagedPlugins["plugins"][number][] = [];
  for (const entry of entries) {
    const paths = [ownCode(entry.module) ?? fileURLToPath(entry.module)];
    for (const [index, contract] of entry.contracts.entries()) {
      const path = fileURLToPath(contract);
      const found = await ifThere(Deno.stat(path));
      if (!found?.isFile) {
        throw new CompileError(
          `${
            entry.locate(["contracts", index])
          }: Cannot take "${path}" in: there is no such file; correct "contracts", ` +
            `or put the contract there`,
        );
      }
      paths.push(path);
    }
    const files: DigestedFile[] = [];
    for (const path of paths) {
      await copy(path, `${to}/${place(path)}`);
      files.push(...await filesOf(to, place(path)));
    }
    plugins.push({
      name: entry.name,
      digest: digestOf(digestOfAll(files) + declarationOf(entry)),
      code: paths.map(place),
      module: place(fileURLToPath(entry.module)),
    });
  }
  return { manifest, plugins };
}

async function filesOf(folder: string, code: string): Promise<DigestedFile[]> {
  const { isDirectory } = await Deno.stat(`${folder}/${code}`);
  if (isDirectory) return await digestFiles(`${folder}/${code}`);
  const bytes = await Deno.readFile(`${folder}/${code}`);
  return [{ path: code, size: bytes.length, digest: digestOf(bytes) }];
}

function declarationOf(entry: PluginEntry): string {
  const { permissions, uses, provides, shares, roles, isolation } = entry;
  return JSON.stringify({
    ...{ permissions, uses, provides },
    ...{ shares, roles, isolation },
  });
}
