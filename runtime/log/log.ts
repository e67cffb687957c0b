import {
  configureSync,
  getLogger,
  type LogLevel as LogTapeLevel,
  resetSync,
} from "@logtape/logtape";
import { type LogEntry, toEntry } from "./entry.ts";
import {
  createHistory,
  type HistoryOptions,
  type LogHistory,
} from "./history.ts";
import type { LogLevels } from "./level.ts";
import type { Logger, LogLevel } from "./logger.ts";
import type { LogSink } from "./record.ts";
import { formatText } from "./text.ts";

/** Who did what at the admin socket: logged whatever the levels are, since nobody may act without a record of it. */
export const AUDIT_DN = "root.audit";

/** Options of {@linkcode createLog}. */
export interface LogOptions extends LogLevels {
  /** Text for people or JSON lines for machines. */
  readonly format: "text" | "json";
  /** Whether text is colored; see {@linkcode wantsColor}. */
  readonly color: boolean;
  /** Takes each record as text, with its newline; must not throw and must not block. */
  readonly write: (text: string, level: LogLevel) => void;
  /** How much `hamlet logs` can show. */
  readonly history?: HistoryOptions;
}

/** The log of a node. */
export interface Log extends Disposable {
  /** Takes records as they come. Never throws. */
  readonly sink: LogSink;
  /** What was logged lately, at the same levels as it was written. */
  readonly history: LogHistory;
  /**
   * The log under a DN of this thread.
   *
   * @param dn Who says it.
   */
  logger(dn: string): Logger;
}

/**
 * Sets up the log of this process: the parts of a DN are LogTape's categories, so that a level of
 * one holds for the subtree, and any other sink of LogTape can be told about some of them.
 * LogTape's configuration is the process's own, so that there is one log at a time.
 *
 * @param options See {@linkcode LogOptions}.
 * @returns The log; disposing of it takes the configuration back.
 */
export function createLog(options: LogOptions): Log {
  const { format, color, write } = options;
  const history = createHistory(options.history);

  function output(entry: LogEntry): void {
    history.add(entry);
    const stacks = options.level === "debug";
    write(
      format === "json"
        ? `${JSON.stringify(entry)}\n`
        : formatText(entry, { color, stacks }),
      entry.level,
    );
  }

  configureSync({
    reset: true,
    sinks: {
      node: ({ category, level, message, rawMessage, properties, timestamp }) =>
        output(toEntry({
          time: timestamp,
          level: LEVELS[level],
          dn: category.join("."),
          message: typeof rawMessage === "string"
            ? rawMessage
            : message.join(""),
          properties,
        })),
    },
    loggers: [
      { category: [], sinks: ["node"], lowestLevel: options.level },
      ...Object.entries({
        ...options.levels,
        [AUDIT_DN]: "info" as const,
      }).map(([dn, lowestLevel]) => ({
        category: dn.split("."),
        // What is inherited would pass through the levels of the ancestors too.
        parentSinks: "override" as const,
        sinks: ["node" as const],
        lowestLevel,
      })),
      // Unless told otherwise it tells the console that it is there.
      { category: ["logtape", "meta"], parentSinks: "override" },
    ],
  });

  const sink: LogSink = ({ time, level, dn, message, properties = {} }) =>
    getLogger(dn.split(".")).emit({
      timestamp: time,
      level,
      message: [message],
      rawMessage: message,
      properties,
    });

  return {
    sink,
    history,
    logger(dn) {
      const at =
        (level: LogLevel): Logger["info"] => (message, properties = {}) =>
          sink({ time: Date.now(), level, dn, message, properties });
      return {
        debug: at("debug"),
        info: at("info"),
        warn: at("warning"),
        error: at("error"),
      };
    },
    [Symbol.dispose]: resetSync,
  };
}

/** LogTape has two levels more, which only a library that logs through it by itself uses. */
const LEVELS = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warning",
  error: "error",
  fatal: "error",
} as const satisfies Record<LogTapeLevel, LogLevel>;
