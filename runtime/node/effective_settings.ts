import * as v from "valibot";
import type { LogLevels } from "../log/level.ts";
import { IpAddress } from "../service/values.ts";
import { type Config, NodeName, Port, ReachableAddress } from "./config.ts";
import { StartError } from "./errors.ts";
import type { NodeSettings } from "./settings.ts";

/** What holds for a node before it is known what it remembers. */
export interface EffectiveSettings {
  /** Undefined where nobody gave one; then what the node remembers counts, or its ID. */
  readonly name: string | undefined;
  readonly listen: string;
  /** Undefined where the default route tells. */
  readonly advertise: string | undefined;
  /** Undefined where nobody gave one; then what the node remembers counts, or the default. */
  readonly peerPort: number | undefined;
  /** As {@linkcode EffectiveSettings.peerPort}. */
  readonly curatorPort: number | undefined;
  readonly hostname: "on" | "off";
  readonly logFormat: "text" | "json";
  readonly logLevels: LogLevels;
  /** Paths of programs by the name the manifest calls them. */
  readonly programs: Readonly<Record<string, string>>;
}

/**
 * Says what holds: the command line, before the config file, before the defaults.
 *
 * @param settings The command line.
 * @param config The config file.
 * @returns What holds.
 * @throws {StartError} If the command line gives what cannot be.
 */
export function effectiveSettings(
  settings: NodeSettings,
  config: Config,
): EffectiveSettings {
  const loopback = settings.dev ? "127.0.0.1" : undefined;
  return {
    name: check("--name", NodeName, settings.name) ?? config.name,
    listen: check("--listen", IpAddress, settings.listen) ?? config.listen ??
      loopback ?? "0.0.0.0",
    advertise: check("--advertise", ReachableAddress, settings.advertise) ??
      config.advertise ?? loopback,
    peerPort: check("--peer-port", Port, settings.peerPort) ?? config.peerPort,
    curatorPort: check("--curator-port", Port, settings.curatorPort) ??
      config.curatorPort,
    hostname: settings.hostname ?? config.hostname ??
      (settings.dev ? "off" : "on"),
    logFormat: settings.logFormat ?? config.logFormat ?? "text",
    logLevels: settings.logLevels ??
      { level: config.logLevel ?? "info", levels: config.logLevels ?? {} },
    programs: { ...config.programs, ...settings.programs },
  };
}

function check<T>(
  flag: string,
  schema: v.GenericSchema<T>,
  value: T | undefined,
): T | undefined {
  const problem = value === undefined
    ? undefined
    : v.safeParse(schema, value).issues?.[0];
  if (problem === undefined) return value;
  throw new StartError(2, `Cannot use ${flag} "${value}": ${problem.message}`);
}
