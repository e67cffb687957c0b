import type { LogLevels } from "../log/level.ts";
import type { LogLevel } from "../log/logger.ts";
import type { NodeFile } from "./node_file.ts";

/** What the command line, or a program that embeds Hamlet, says of a node. What it leaves out the config file says. */
export interface NodeSettings {
  /**
   * A node for trying things out: on loopback alone, host name untouched, and an empty data folder becomes a cluster
   * of its own. @default false
   */
  readonly dev?: boolean;
  /** How an empty data folder becomes a node; not needed, and refused, where there is one already. */
  readonly origin?: NodeFile["origin"];
  /**
   * What an operator of the cluster gave to join with, from `hamlet invite`; with origin `join` alone, and needed there
   * until the node has joined.
   */
  readonly joinToken?: string;
  /** @default "/var/lib/hamlet", or ".hamlet/data" for a dev node */
  readonly dataDir?: string;
  /** @default "/run/hamlet", or ".hamlet/run" for a dev node */
  readonly runDir?: string;
  /** The file that declares the plugins. @default the distribution's `deno.json` */
  readonly manifest?: string;
  /** A config file that must be there. @default "/etc/hamlet/config.json" where it exists, none for a dev node */
  readonly config?: string;
  /** One DNS label. @default the node ID */
  readonly name?: string;
  /** The address to listen on for other nodes. @default "0.0.0.0", or "127.0.0.1" for a dev node */
  readonly listen?: string;
  /** The address others reach this node at. @default found by the default route, or "127.0.0.1" for a dev node */
  readonly advertise?: string;
  /** TCP port of the etcd peers; 0 takes a free one, which is then remembered. @default 7834 */
  readonly peerPort?: number;
  /** TCP port of the curator; 0 takes a free one, which is then remembered. @default 7835 */
  readonly curatorPort?: number;
  /** Names of the plugins to load. @default all that the manifest declares */
  readonly plugins?: readonly string[];
  /** Whether to set the machine's host name. @default "on", or "off" for a dev node */
  readonly hostname?: "on" | "off";
  /** @default "text" */
  readonly logFormat?: "text" | "json";
  /** From which level on the log says something. @default "info" everywhere */
  readonly logLevels?: LogLevels;
  /** Takes the log, each record with its newline; must not throw and must not block. @default to standard error */
  readonly writeLog?: (text: string, level: LogLevel) => void;
  /** Paths of programs, by the name the manifest calls them. @default found on the PATH */
  readonly programs?: Readonly<Record<string, string>>;
}
