import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { mayUseFolder } from "./access.ts";
import { failpoint } from "../failpoint.ts";
import { StartError } from "./errors.ts";
import { FolderLock } from "./folder_lock.ts";

/** Where a node keeps its things; absolute paths. */
export interface Folders {
  /** What must outlive a reboot. */
  readonly data: string;
  /** What need not: sockets, and what is written for others to read. */
  readonly run: string;
}

/** What is in a data folder. */
export type DataState =
  /** Nothing, or the folder does not exist. */
  | "empty"
  /** The identity alone: a first start was interrupted before it had made a node of the folder. */
  | "interrupted"
  /** A node. */
  | "node";

/** Folders that are there and locked, until disposed of or the process ends. */
export interface OpenFolders extends Disposable {
  /** Puts everything back to how it was found, for a start that failed: removes what is new, a node's data never. */
  undo(): Promise<void>;
}

/** etcd allocates two log segments of 64 MiB and 16 MiB of database before it writes anything. */
const NEW_NODE_BYTES = 160 * 1024 * 1024;
/** The small files that every start writes, and some room for etcd's log. */
const START_BYTES = 1024 * 1024;

/** sockaddr_un has room for 108 bytes with the closing zero, unix(7). */
const MAX_SOCKET_PATH = 107;
const sockets = ["hamlet.sock", "consensus/client.sock:0"];

const dataFolders = [
  "identity",
  "ca",
  "etcd",
  "etcd/peer-pki",
  "etcd/peer-crl",
];
const runFolders = ["consensus"];

/** What a file system of its own has at its top. */
export const LOST_AND_FOUND = "lost+found";
/** What else may be in a data folder that is no node's yet. */
const leftovers = [
  "lock",
  "node.json.new",
  "identity/key.pem",
  "identity/key.pem.new",
  "identity/join.token",
  "identity/join.token.new",
  LOST_AND_FOUND,
];

/**
 * Makes the paths of a node's folders absolute and free of symbolic links, so that what is granted below them is what
 * is opened.
 *
 * @param data The data folder as the operator gave it.
 * @param run The run folder as the operator gave it.
 * @returns The paths; the folders need not be there.
 */
export async function resolveFolders(
  data: string,
  run: string,
): Promise<Folders> {
  return { data: await resolveFolder(data), run: await resolveFolder(run) };
}

/**
 * Looks whether a node can start on its folders, and changes nothing.
 *
 * @param folders The folders, resolved.
 * @returns What is in the data folder.
 * @throws {StartError} If it cannot.
 */
export async function examineFolders(
  { data, run }: Folders,
): Promise<DataState> {
  examineSocketPaths(run);
  if (`${data}/`.startsWith(`${run}/`) || `${run}/`.startsWith(`${data}/`)) {
    throw new StartError(
      2,
      `Cannot use data folder "${data}" and run folder "${run}": the one is private, the other is read by everybody, ` +
        `so neither may lie in the other; choose others with --data-dir and --run-dir`,
    );
  }
  await examineFolder(run, "run");
  await examineFolder(data, "data");
  await FolderLock.refuseHeld(run);
  await FolderLock.refuseHeld(data);
  const state = await examineData(data);
  await examineSpace(run, "run", START_BYTES);
  await examineSpace(
    data,
    "data",
    state === "node" ? START_BYTES : NEW_NODE_BYTES,
  );
  return state;
}

/**
 * Makes what is missing of a node's folders and locks them.
 *
 * @param folders The folders, which {@linkcode examineFolders} found good.
 * @param state What it found in the data folder.
 * @returns The locked folders.
 * @throws {StartError} If another node took them meanwhile.
 */
export async function openFolders(
  { data, run }: Folders,
  state: DataState,
): Promise<OpenFolders> {
  const missingRun = await firstMissing(run);
  const missingData = await firstMissing(data);
  const foundInRun = missingRun === undefined ? await names(run) : [];
  const undo = async () => {
    if (missingData !== undefined) await remove(missingData);
    else if (state === "empty") await removeAllBut(data, [LOST_AND_FOUND]);
    if (missingRun !== undefined) await remove(missingRun);
    else await removeAllBut(run, foundInRun);
    // An etcd that is ended before it listens to signals leaves its own.
    for (const socket of sockets) await remove(`${run}/${socket}`);
  };

  using locks = new DisposableStack();
  await makeFolder(run, 0o755);
  locks.use(await FolderLock.take(run));
  await makeFolder(data, 0o700);
  locks.use(await FolderLock.take(data));
  if (await examineData(data) !== state) {
    throw new StartError(
      1,
      `Cannot use data folder "${data}": another Hamlet has just used it; try again`,
    );
  }
  try {
    for (const name of runFolders) await makeFolder(`${run}/${name}`, 0o700);
    await makeDataFolders(data);
  } catch (error) {
    await undo();
    throw error;
  }
  const held = locks.move();
  return { undo, [Symbol.dispose]: () => held.dispose() };
}

/**
 * Makes what is missing of the folders below a node's data folder.
 *
 * @param data The data folder, which is there.
 */
export async function makeDataFolders(data: string): Promise<void> {
  for (const name of dataFolders) await makeFolder(`${data}/${name}`, 0o700);
}

function examineSocketPaths(run: string): void {
  for (const socket of sockets) {
    const length = new TextEncoder().encode(`${run}/${socket}`).length;
    if (length > MAX_SOCKET_PATH) {
      throw new StartError(
        1,
        `Cannot use run folder "${run}": with "${socket}" in it the path has ${length} bytes, and that of a unix socket ` +
          `at most ${MAX_SOCKET_PATH}; choose a folder whose path is ${
            length - MAX_SOCKET_PATH
          } or more bytes shorter ` +
          `with --run-dir`,
      );
    }
  }
}

async function examineFolder(
  path: string,
  kind: "data" | "run",
): Promise<void> {
  const refuse = (why: string, todo: string) =>
    new StartError(
      1,
      `Cannot use ${kind} folder "${path}": ${why}; ${todo} another folder with --${kind}-dir`,
    );
  const user = Deno.uid();
  const existing = await nearestExisting(path);
  const info = await Deno.stat(existing);
  if (!info.isDirectory) {
    throw refuse(`"${existing}" is not a folder`, "choose");
  }
  if (existing === path && info.uid !== user) {
    throw refuse(
      `it belongs to user ${info.uid} and Hamlet runs as user ${user}`,
      "run Hamlet as that user, change the folder's owner, or choose",
    );
  }
  if (!mayUseFolder(existing)) {
    throw refuse(
      `user ${user} may not write to "${existing}", or it is mounted read-only`,
      existing === path
        ? "change that, or choose"
        : "make the folder for that user first, or choose",
    );
  }
}

/**
 * Looks whose a data folder is.
 *
 * @param data The data folder.
 * @returns What is in it.
 * @throws {StartError} If it is no node's.
 */
export async function examineData(data: string): Promise<DataState> {
  const found = await filesBelow(data);
  if (found.includes("node.json")) return "node";
  const foreign = found.find((file) => !leftovers.includes(file));
  if (foreign !== undefined) {
    throw new StartError(
      1,
      `Cannot use data folder "${data}": it has "${foreign}" but no node.json, so it belongs to something else or is ` +
        `incomplete; restore it from a backup, or choose an empty folder with --data-dir`,
    );
  }
  return found.includes("identity/key.pem") ? "interrupted" : "empty";
}

/** What is in a data folder, without the folders that {@linkcode openFolders} makes. */
async function filesBelow(data: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for (const name of await names(resolve(data, prefix))) {
    const path = prefix + name;
    if (dataFolders.includes(path)) {
      found.push(...await filesBelow(data, `${path}/`));
    } else found.push(path);
  }
  return found;
}

async function examineSpace(
  path: string,
  kind: "data" | "run",
  needed: number,
): Promise<void> {
  const { bavail, bsize } = await statfs(await nearestExisting(path));
  const free = bavail * bsize;
  if (free >= needed) return;
  const mebibytes = (bytes: number) =>
    `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  throw new StartError(
    1,
    `Cannot use ${kind} folder "${path}": its disk has ${
      mebibytes(free)
    } left and a start needs ${mebibytes(needed)}; ` +
      `make room, or choose a folder on another disk with --${kind}-dir`,
  );
}

/** Makes a folder, with all above it, of exactly this mode, and so that its name survives a crash. */
async function makeFolder(path: string, mode: number): Promise<void> {
  const missing = await firstMissing(path);
  if (missing !== undefined) {
    // Above a private folder the way stays open, as mkdir(1) does it.
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.mkdir(path, { mode });
    failpoint(`after mkdir ${path}`);
    for (let made = path; made !== dirname(missing);) {
      made = dirname(made);
      using parent = await Deno.open(made);
      await parent.sync();
    }
  }
  const info = await Deno.stat(path);
  if (!info.isDirectory) throw noFolderError(path);
  // The mode given to mkdir(2) is reduced by the umask, and a folder that was there may have any.
  if ((info.mode ?? mode) % 0o10000 !== mode) {
    await Deno.chmod(path, mode);
  }
}

async function resolveFolder(path: string): Promise<string> {
  // What stands for bytes that are not UTF-8: with it, another folder would be taken than the one that was named.
  if (path.includes("\uFFFD")) {
    throw new StartError(
      2,
      `Cannot use folder "${path}": its path is not UTF-8; choose another one`,
    );
  }
  const absolute = resolve(path);
  const existing = await nearestExisting(absolute);
  const rest = absolute.slice(existing.length).split("/").filter((name) =>
    name !== ""
  );
  return resolve(await Deno.realPath(existing), ...rest);
}

/** The path itself, or the nearest one above it that is there. */
async function nearestExisting(path: string): Promise<string> {
  let at = path;
  while (!await exists(at)) at = dirname(at);
  return at;
}

/** The topmost one that is not there of a path and those above it. */
async function firstMissing(path: string): Promise<string | undefined> {
  const existing = await nearestExisting(path);
  const [first] = path.slice(existing.length).split("/").filter((name) =>
    name !== ""
  );
  return first === undefined ? undefined : resolve(existing, first);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return false;
    if (
      error instanceof Error && "code" in error && error.code === "ENAMETOOLONG"
    ) {
      throw new StartError(
        1,
        `Cannot use folder "${path}": its path, or a name in it, is too long; choose a shorter one`,
        { cause: error },
      );
    }
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new StartError(
      1,
      `Cannot look at "${path}": user ${Deno.uid()} may not enter "${
        dirname(path)
      }"`,
      {
        cause: error,
      },
    );
  }
}

async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) found.push(entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotADirectory) throw noFolderError(folder);
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

function noFolderError(path: string): StartError {
  return new StartError(
    1,
    `Cannot use "${path}": it is no folder, and one belongs there; move it away, or restore the folder from a backup`,
  );
}

async function removeAllBut(
  folder: string,
  kept: readonly string[],
): Promise<void> {
  for (const name of await names(folder)) {
    if (!kept.includes(name)) await remove(`${folder}/${name}`);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    // The folder above went with the other one's, or is none.
    if (
      !(error instanceof Deno.errors.NotFound) &&
      !(error instanceof Deno.errors.NotADirectory)
    ) throw error;
  }
}
