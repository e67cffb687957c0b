import type { FlagParametersForType } from "@stricli/core";
import { LOG_LEVELS, type LogLevels, parseLogLevels } from "../log/level.ts";
import type { CliContext } from "./context.ts";

/** Which node a command talks to. */
export interface ClientFlags {
  readonly runDir?: string;
}

/** Flags of every command that talks to a node. */
export const clientFlags: FlagParametersForType<ClientFlags, CliContext> = {
  runDir: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "folder",
    brief:
      "The node's run folder (default: /run/hamlet, else that of `hamlet dev` in this folder)",
  },
};

/** Whether a command answers for machines. */
export interface JsonFlag {
  readonly json: boolean;
}

/** The flag of every command that can answer for machines. */
export const jsonFlag: FlagParametersForType<JsonFlag, CliContext> = {
  json: {
    kind: "boolean",
    default: false,
    withNegated: false,
    brief: "Write JSON",
  },
};

/** Flags of `run` and `dev`. */
export interface NodeFlags {
  readonly dataDir?: string;
  readonly runDir?: string;
  readonly config?: string;
  readonly manifest?: string;
  readonly name?: string;
  readonly peerPort?: number;
  readonly curatorPort?: number;
  readonly plugins?: readonly string[];
  readonly etcd?: string;
  readonly logFormat?: "text" | "json";
  readonly logLevel?: LogLevels;
}

/** Flags of `run` and `dev`. */
export const nodeFlags: FlagParametersForType<NodeFlags, CliContext> = {
  dataDir: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "folder",
    brief: "What must outlive a reboot (run: /var/lib/hamlet)",
  },
  runDir: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "folder",
    brief: "Sockets, and files for others to read (run: /run/hamlet)",
  },
  config: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "file",
    brief: "The config file (run: /etc/hamlet/config.json, where it exists)",
  },
  manifest: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "file",
    brief: "The file that declares the plugins (default: Hamlet's deno.json)",
  },
  name: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "label",
    brief: "The node's name, one DNS label (default: the node ID)",
  },
  peerPort: {
    kind: "parsed",
    parse: port,
    optional: true,
    placeholder: "port",
    brief: "TCP port of the etcd peers; 0 takes a free one (run: 7834, dev: 0)",
  },
  curatorPort: {
    kind: "parsed",
    parse: port,
    optional: true,
    placeholder: "port",
    brief: "TCP port of the curator; 0 takes a free one (run: 7835, dev: 0)",
  },
  plugins: {
    kind: "parsed",
    parse: String,
    optional: true,
    variadic: ",",
    placeholder: "a,b",
    brief: "The plugins to load (default: all)",
  },
  etcd: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "file",
    brief: "The etcd program (default: the one on the PATH)",
  },
  logFormat: {
    kind: "enum",
    values: ["text", "json"],
    optional: true,
    brief: "Text for people, or JSON lines for machines (default: text)",
  },
  logLevel: {
    kind: "parsed",
    parse: parseLogLevels,
    optional: true,
    placeholder: "level",
    proposeCompletions: (partial) =>
      LOG_LEVELS.filter((level) => level.startsWith(partial)),
    brief: `${
      LOG_LEVELS.join(", ")
    }; with exceptions as in info,root.consensus=debug (default: info)`,
  },
};

/**
 * Reads the path of a file or folder.
 *
 * @param text The value of a flag.
 * @returns The same.
 * @throws {TypeError} Where it is empty, as an unset variable of a script is.
 */
export function path(text: string): string {
  if (text === "") throw new TypeError("A path cannot be empty");
  return text;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65535) {
    throw new TypeError("A port is a whole number from 0 to 65535");
  }
  return value;
}
