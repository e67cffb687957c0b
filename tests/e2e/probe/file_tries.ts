import fs from "node:fs";
import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { settled, type Tries } from "./attempt.ts";

/** A way to a file: given the file, and a path of the probe's own that it may use. */
type Way = (path: string, own: string) => unknown;

const require = createRequire(import.meta.url);

/** Ways to learn something of a file. */
const reading: Readonly<Record<string, Way>> = {
  "Deno.readFile": (path) => Deno.readFile(path),
  "Deno.readTextFileSync": (path) => Deno.readTextFileSync(path),
  "Deno.openSync": (path) => Deno.openSync(path).close(),
  "Deno.statSync": (path) => Deno.statSync(path),
  "Deno.lstatSync": (path) => Deno.lstatSync(path),
  "Deno.realPathSync": (path) => Deno.realPathSync(path),
  "Deno.watchFs": (path) => Deno.watchFs(path).close(),
  "Deno.copyFileSync": (path, own) => Deno.copyFileSync(path, own),
  "fs.readFileSync": (path) => fs.readFileSync(path),
  "fs.promises.readFile": (path) => fs.promises.readFile(path),
  "fs.openSync": (path) => fs.closeSync(fs.openSync(path, "r")),
  "fs.openAsBlob": async (path) => (await fs.openAsBlob(path)).text(),
  "fs.statSync": (path) => fs.statSync(path),
  "fs.lstatSync": (path) => fs.lstatSync(path),
  "fs.realpathSync": (path) => fs.realpathSync(path),
  "fs.copyFileSync": (path, own) => fs.copyFileSync(path, own),
  "fs.cpSync": (path, own) => fs.cpSync(path, own),
  "fs.createReadStream": (path) =>
    settled((resolve, reject) =>
      fs.createReadStream(path).on("error", reject).on("data", resolve)
    ),
  "fetch()": async (path) => (await fetch(pathToFileURL(path))).text(),
  "import as text": (path) =>
    import(pathToFileURL(path).href, { with: { type: "text" } }),
  "import as JSON": (path) =>
    import(pathToFileURL(path).href, { with: { type: "json" } }),
  "require()": (path) => require(path),
};

/** Ways to change a file. */
const writing: Readonly<Record<string, Way>> = {
  "Deno.openSync to append": (path) =>
    Deno.openSync(path, { append: true }).close(),
  "Deno.writeTextFileSync": (path) => Deno.writeTextFileSync(path, "{}"),
  "Deno.truncateSync": (path) => Deno.truncateSync(path, 1),
  "Deno.chmodSync": (path) => Deno.chmodSync(path, 0o777),
  "Deno.chownSync": (path) => Deno.chownSync(path, 0, 0),
  "Deno.utimeSync": (path) => Deno.utimeSync(path, 0, 0),
  "Deno.copyFileSync onto": (path, own) => Deno.copyFileSync(own, path),
  "Deno.renameSync onto": (path, own) => Deno.renameSync(own, path),
  "Deno.renameSync away": (path, own) => Deno.renameSync(path, own),
  "Deno.linkSync": (path, own) => Deno.linkSync(path, `${own}.link`),
  "Deno.linkSync onto": (path, own) => Deno.linkSync(own, `${path}.link`),
  "Deno.removeSync": (path) => Deno.removeSync(path),
  "fs.appendFileSync": (path) => fs.appendFileSync(path, ""),
  "fs.writeFileSync": (path) => fs.writeFileSync(path, "{}"),
  "fs.createWriteStream": (path) =>
    settled((resolve, reject) => {
      const stream = fs.createWriteStream(path, { flags: "a" });
      stream.on("error", reject).on("open", () => stream.end(resolve));
    }),
  "fs.truncateSync": (path) => fs.truncateSync(path, 1),
  "fs.chmodSync": (path) => fs.chmodSync(path, 0o777),
  "fs.utimesSync": (path) => fs.utimesSync(path, 0, 0),
  "fs.renameSync away": (path, own) => fs.renameSync(path, own),
  "fs.linkSync": (path, own) => fs.linkSync(path, `${own}.link`),
  "fs.unlinkSync": (path) => fs.unlinkSync(path),
  "fs.rmSync": (path) => fs.rmSync(path),
  "node:sqlite": (path) => new DatabaseSync(`${path}.db`).close(),
};

/** Ways that Deno gives to nobody who may not touch every file. */
const linking: Readonly<Record<string, Way>> = {
  "Deno.symlinkSync": (path, own) => Deno.symlinkSync(path, `${own}.symlink`),
  "Deno.symlinkSync beside": (path, own) =>
    Deno.symlinkSync(own, `${path}.symlink`),
  "fs.symlinkSync": (path, own) => fs.symlinkSync(path, `${own}.symlink`),
};

/** Ways to a folder. */
const listing: Readonly<Record<string, Way>> = {
  "Deno.readDirSync": (path) => [...Deno.readDirSync(path)],
  "Deno.makeTempFileSync": (path) =>
    Deno.removeSync(Deno.makeTempFileSync({ dir: path })),
  "Deno.mkdirSync": (path) => Deno.mkdirSync(`${path}/new`),
  "Deno.createSync": (path) => Deno.createSync(`${path}/new/file`).close(),
  "Deno.removeSync recursively": (path) =>
    Deno.removeSync(`${path}/new`, { recursive: true }),
  "fs.readdirSync": (path) => fs.readdirSync(path),
  "fs.opendirSync": (path) => fs.opendirSync(path).closeSync(),
  "fs.mkdtempSync": (path) => fs.rmdirSync(fs.mkdtempSync(`${path}/temp-`)),
};

/** What the probe is told to try its ways to files with. */
export interface FileTargets {
  /** Files of the node: read and written. */
  readonly files: readonly string[];
  /** The probe's own code, which it may read. */
  readonly code: readonly string[];
  /** Folders of the node. */
  readonly folders: readonly string[];
  /** Files of the system: only looked at, so that a hole harms nobody. */
  readonly system: readonly string[];
  /** A folder of the probe's own. */
  readonly own: string;
}

/**
 * Every way to every file that the probe was not granted.
 *
 * @param targets The files.
 * @returns The tries.
 */
export function fileTries(targets: FileTargets): Tries {
  const { files, code, folders, system, own } = targets;
  const loot = `${own}/loot`;
  const each = (
    ways: Readonly<Record<string, Way>>,
    paths: readonly string[],
  ) =>
    paths.flatMap((path) =>
      Object.entries(ways).map(([name, way]): [string, () => unknown] => [
        `${name} ${path}`,
        () => {
          // A way that works would have taken it away.
          Deno.writeTextFileSync(loot, "");
          return way(path, loot);
        },
      ])
    );
  return Object.fromEntries([
    ...each({ ...reading, ...writing, ...linking }, files),
    ...each({ ...writing, ...linking }, code),
    ...each(listing, folders),
    ...each(reading, system),
  ]);
}

/**
 * The same ways to what is the probe's own: a refusal elsewhere means something only if these work.
 *
 * @param own A folder of the probe's own.
 * @returns The tries, none of which is refused.
 */
export function fileControls(own: string): Tries {
  const ways = Object.entries({ ...reading, ...writing }).map((
    [name, way],
    index,
  ): [string, () => unknown] => [
    `${name} of its own`,
    () => {
      const folder = `${own}/control-${index}`;
      Deno.mkdirSync(folder);
      Deno.writeTextFileSync(`${folder}/file.json`, "{}");
      Deno.writeTextFileSync(`${folder}/other`, "{}");
      return way(`${folder}/file.json`, `${folder}/other`);
    },
  ]);
  const lists = Object.entries(listing).map((
    [name, way],
  ): [string, () => unknown] => [`${name} of its own`, () => way(own, own)]);
  return Object.fromEntries([...ways, ...lists]);
}
