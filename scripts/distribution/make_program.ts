import { dirname } from "node:path";
import * as v from "valibot";
import { writeFileAtomic } from "../../runtime/atomic_file.ts";
import type { Build } from "../../runtime/build.ts";
import { checkModules } from "../../runtime/node/check_modules.ts";
import { readManifest } from "../../runtime/node/read_manifest.ts";
import { type Base, findBase } from "./base.ts";
import { contentsText, sizeText } from "./contents_text.ts";
import { copy } from "./copy.ts";
import { digestFiles, digestOf, digestOfAll } from "./digest.ts";
import { makeDebianPackage } from "./debian_package.ts";
import { embedEtcd } from "./embed_etcd.ts";
import { CompileError } from "./errors.ts";
import { forgetTimes } from "./forget_times.ts";
import { copyPackages } from "./npm_packages.ts";
import { output, type OutputOptions } from "./output.ts";
import { stagePlugins } from "./stage_plugins.ts";
import { takeStaging } from "./staging.ts";

/** What to make. */
export interface ProgramOptions {
  /** The manifest whose plugins go in. */
  readonly config: string;
  /** The file to write. */
  readonly output: string;
  /** The Debian package to write; none where absent. */
  readonly deb?: string | undefined;
  /** A path, a name on the PATH, or `none`. */
  readonly etcd: string;
  /** As `deno compile --target` takes it. */
  readonly target: string;
  /** Whether a base will do that is older than what Hamlet runs on. */
  readonly forChecks: boolean;
  /** Takes what goes in, line by line. */
  say(line: string): void;
}

/** Files of a checkout that are no plugin's. */
const CORE = [
  "deno.json",
  "deno.lock",
  "mod.ts",
  "proto/gen",
  "runtime",
  "LICENSE",
];
const MAIN = "runtime/cli/main.ts";
/** Modules that no other one imports by a literal name. */
const LATE = ["runtime/node/node.ts", "runtime/plugin/bootstrap.ts"];

/**
 * Makes a program, and says what goes into it. The same input makes the same program, byte for byte.
 *
 * @param options See {@linkcode ProgramOptions}.
 * @returns What the program says of itself.
 * @throws {CompileError} If it cannot be made; nothing is written then.
 */
export async function makeProgram(options: ProgramOptions): Promise<Build> {
  const { target, say } = options;
  const base = await findBase(options.forChecks);
  const hamlet = await Deno.realPath(
    new URL("../../", import.meta.url).pathname,
  );
  const declared = await readManifest(options.config);
  // Read once more under its real name, of which the places of everything else are parts.
  const config = await Deno.realPath(options.config);
  const { plugins: entries } = config === options.config
    ? declared
    : await readManifest(config);
  await checkModules(entries);

  await using staging = await takeStaging();
  const source = `${staging.path}/hamlet`;
  const cache = `${staging.path}/cache`;
  for (const name of CORE) await copy(`${hamlet}/${name}`, `${source}/${name}`);
  const { manifest, plugins } = await stagePlugins(
    hamlet,
    config,
    entries,
    source,
  );
  const [arch = ""] = target.split("-");
  const programs: Build["programs"] = options.etcd === "none" ? {} : {
    etcd: await embedEtcd(options.etcd, arch, `${source}/programs/etcd`),
  };
  const packages = await copyPackages(
    Deno.execPath(),
    `${hamlet}/deno.lock`,
    cache,
  );
  const files = (await digestFiles(staging.path))
    // Which versions there are is no part of any.
    .filter(({ path }) => !path.endsWith("/registry.json"));
  const build: Build = {
    commit: await commitOf(hamlet),
    digest: digestOf(`${base.version} ${target} ${digestOfAll(files)}`),
    forChecks: base.forChecks,
    manifest,
    plugins: plugins.map(({ name, digest }) => ({ name, digest })),
    programs,
  };
  await Deno.writeTextFile(
    `${source}/runtime/this_build.ts`,
    `import type { Build } from "./build.ts";\n\n` +
      `export const build: Build | undefined = ${JSON.stringify(build)};\n`,
  );
  say(contentsText({ build, base, target, packages, plugins, entries, files }));

  const at = { cwd: source, env: { DENO_DIR: cache, NO_COLOR: "1" } };
  for (
    const module of [
      MAIN,
      ...LATE,
      ...plugins.map(({ module }) => module),
    ]
  ) {
    await checkImports(base.deno, module, at);
  }
  const included = new Set([
    ...LATE,
    ...["deno.json", "LICENSE", manifest],
    ...plugins.flatMap(({ code }) => code),
    ...Object.keys(programs).map((name) => `programs/${name}`),
  ]);
  await forgetTimes(staging.path);
  const program = `${staging.path}/program`;
  await compile(base, [
    ...base.flags,
    ...["--config", "deno.json", "--target", target, "--output", program],
    ...[...included].flatMap((path) => ["--include", path]),
    MAIN,
  ], at);
  if (arch === Deno.build.arch) await checkProgram(program, build);

  const bytes = await Deno.readFile(program);
  await Deno.mkdir(dirname(options.output), { recursive: true });
  await writeFileAtomic(options.output, bytes, { mode: 0o755 });
  say(
    `Wrote ${options.output}: ${sizeText(bytes.length)}, SHA-256 ${
      digestOf(bytes)
    }`,
  );
  if (options.deb !== undefined) {
    const folder = `${staging.path}/debian`;
    await Deno.mkdir(folder);
    await Deno.mkdir(dirname(options.deb), { recursive: true });
    await makeDebianPackage({
      ...{ program, arch, plugins: entries, staging: folder },
      output: options.deb,
    });
    const { size } = await Deno.stat(options.deb);
    say(`Wrote ${options.deb}: ${sizeText(size)}`);
  }
  return build;
}

async function compile(
  { deno, version }: Base,
  args: readonly string[],
  at: OutputOptions,
): Promise<void> {
  try {
    await output(deno, ["compile", ...args], at);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw new CompileError(
      `${error.message}\nWhere Deno's release host cannot be reached, name the denort of Deno ${version} in DENORT_BIN`,
      { cause: error },
    );
  }
}

async function commitOf(checkout: string): Promise<string> {
  try {
    const git = (...args: string[]) => output("git", ["-C", checkout, ...args]);
    const commit = (await git("rev-parse", "HEAD")).trim();
    return await git("status", "--porcelain") === ""
      ? commit
      : `${commit}+changes`;
  } catch (error) {
    // Such as the source of a release, without its history.
    if (error instanceof CompileError) return "unknown";
    throw error;
  }
}

/** Deno on the machine of whoever compiles reads what a module names literally, with the rights of that person. */
async function checkImports(
  deno: string,
  module: string,
  at: Required<OutputOptions>,
): Promise<void> {
  const graph = v.parse(
    Graph,
    JSON.parse(await output(deno, ["info", "--json", module], at)),
  );
  const inside = new URL(`file://${at.cwd}/`).href;
  for (const { specifier, error } of graph.modules) {
    if (error !== undefined) throw new CompileError(error);
    if (/^(?:npm|node):/.test(specifier)) continue;
    if (specifier.startsWith(inside)) continue;
    throw new CompileError(
      `Cannot take "${specifier}" in, which "${module}" imports: it is no part of Hamlet or of a plugin; put a copy ` +
        `into the folder of the plugin's mod.ts`,
    );
  }
}

const Graph = v.object({
  modules: v.array(
    v.object({ specifier: v.string(), error: v.optional(v.string()) }),
  ),
});

/** One whose base is of another version than the Deno that compiled it would not even start. */
async function checkProgram(program: string, { digest }: Build): Promise<void> {
  const said = await output(program, ["version", "--json"]).catch(
    (error: Error) => error.message,
  );
  if (said.includes(`"digest":"${digest}"`)) return;
  throw new CompileError(
    `Cannot use this base: the program does not say its version; name in DENORT_BIN the denort of the Deno that ` +
      `compiles\n${said}`,
  );
}
