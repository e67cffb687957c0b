import { ifThere } from "../if_there.ts";
import type { PluginEntry } from "../manifest/mod.ts";
import type { NodeSettings } from "../node/settings.ts";
import {
  FIRST_START,
  FIRST_START_VARIABLE,
  JOIN_TOKEN,
  UNIT,
  unitText,
} from "../systemd/unit.ts";
import { CannotInstallError } from "./errors.ts";
import type { Step } from "./step.ts";

/** What the config file is to say, of what it may say. */
export interface InstalledConfig {
  readonly name?: string;
  readonly listen?: string;
  readonly advertise?: string;
  readonly hostname?: "on" | "off";
}

/** Options of {@linkcode installSteps}. */
export interface InstallOptions {
  /** Where the machine's files are. */
  readonly root: string;
  /** Whether systemd runs there, which it does not in an image. */
  readonly booted: boolean;
  /** What the manifest declares. */
  readonly plugins: readonly PluginEntry[];
  /** What the first start makes of an empty data folder; without an origin, nothing. */
  readonly first: Pick<NodeSettings, "origin" | "joinToken">;
  readonly config: InstalledConfig;
}

const PROGRAM = "/usr/local/bin/hamlet";
const UNIT_FILE = `/etc/systemd/system/${UNIT}`;
/** What a Debian package brings, which then has the program too. */
const PACKAGED_UNIT_FILE = `/usr/lib/systemd/system/${UNIT}`;
const CONFIG = "/etc/hamlet/config.json";

/**
 * Says what makes a machine run a node as a service of systemd, and changes nothing.
 *
 * @param options See {@linkcode InstallOptions}.
 * @returns The steps, in their order.
 * @throws {CannotInstallError} Where there is a config file that says something else than what is asked for.
 */
export async function installSteps(
  { root, booted, plugins, first, config }: InstallOptions,
): Promise<Step[]> {
  const at = (path: string) => root === "/" ? path : `${root}${path}`;
  const { hostname = "on" } = config;
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const found = await ifThere(Deno.readTextFile(at(CONFIG)));
  const asked = Object.keys(config).length > 0;
  if (asked && found !== undefined && found !== text) {
    throw new CannotInstallError(
      `Cannot write "${
        at(CONFIG)
      }": there is one already; edit it, and leave out ${
        Object.keys(config).map((key) => `--${key}`).join(", ")
      }`,
    );
  }
  const packaged = await isThere(at(PACKAGED_UNIT_FILE));
  return [
    ...(packaged ? [] : [{ kind: "program", path: at(PROGRAM) } as const]),
    { kind: "folder", path: at("/etc/hamlet"), mode: 0o755 },
    { kind: "folder", path: at("/var/lib/hamlet"), mode: 0o700 },
    ...(asked
      ? [{ kind: "file", path: at(CONFIG), mode: 0o644, text } as const]
      : []),
    ...firstStart(first).map((file) => ({ ...file, path: at(file.path) })),
    ...(packaged ? [] : [
      {
        kind: "file",
        path: at(UNIT_FILE),
        mode: 0o644,
        text: unitText({ program: PROGRAM, plugins, hostname }),
      } as const,
    ]),
    ...(booted
      ? [{ kind: "run", command: ["systemctl", "daemon-reload"] } as const]
      : []),
    { kind: "run", command: systemctl(root, "enable") },
  ];
}

/** Options of {@linkcode uninstallSteps}. */
export interface UninstallOptions {
  /** As {@linkcode InstallOptions.root}. */
  readonly root: string;
  /** As {@linkcode InstallOptions.booted}. */
  readonly booted: boolean;
  /** Whether the node's data and configuration go too. */
  readonly purge: boolean;
}

/**
 * Says what takes {@linkcode installSteps} back, and changes nothing.
 *
 * @param options See {@linkcode UninstallOptions}.
 * @returns The steps, in their order.
 * @throws {CannotInstallError} Where nothing is installed.
 */
export async function uninstallSteps(
  { root, booted, purge }: UninstallOptions,
): Promise<Step[]> {
  const at = (path: string) => root === "/" ? path : `${root}${path}`;
  const isInstalled = await isThere(at(UNIT_FILE));
  if (!isInstalled && !purge) {
    throw new CannotInstallError(
      `Cannot uninstall: there is no "${
        at(UNIT_FILE)
      }", which hamlet install writes; what came as a Debian package ` +
        `goes with apt-get remove hamlet`,
    );
  }
  return [
    ...(isInstalled
      ? [
        {
          kind: "run",
          command: systemctl(root, "disable", ...booted ? ["--now"] : []),
        } as const,
        { kind: "remove", path: at(UNIT_FILE) } as const,
      ]
      : []),
    ...(isInstalled && booted
      ? [{ kind: "run", command: ["systemctl", "daemon-reload"] } as const]
      : []),
    { kind: "remove", path: at(FIRST_START) },
    { kind: "remove", path: at(JOIN_TOKEN) },
    { kind: "remove", path: at(PROGRAM) },
    ...(purge
      ? ["/etc/hamlet", "/run/hamlet", "/var/lib/hamlet"].map((path) =>
        ({ kind: "remove", path: at(path) }) as const
      )
      : []),
  ];
}

/** The files that the unit removes again. */
function firstStart(
  { origin, joinToken }: InstallOptions["first"],
): Extract<Step, { kind: "file" }>[] {
  const write = (path: string, text: string) =>
    ({ kind: "file", path, mode: 0o600, text: `${text}\n` }) as const;
  const start = (flags: string) =>
    write(FIRST_START, `${FIRST_START_VARIABLE}=${flags}`);
  if (joinToken !== undefined) {
    return [
      { ...write(JOIN_TOKEN, joinToken), secret: true },
      start(`--join-file ${JOIN_TOKEN}`),
    ];
  }
  return origin === "new-cluster" ? [start("--new-cluster")] : [];
}

function systemctl(
  root: string,
  ...args: string[]
): readonly ["systemctl", ...string[]] {
  const elsewhere = root === "/" ? [] : [`--root=${root}`];
  return ["systemctl", ...elsewhere, ...args, UNIT];
}

async function isThere(path: string): Promise<boolean> {
  return await ifThere(Deno.lstat(path)) !== undefined;
}
