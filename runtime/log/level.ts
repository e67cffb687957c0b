import type { LogLevel } from "./logger.ts";

/** Every level, the least severe first. */
export const LOG_LEVELS = [
  "debug",
  "info",
  "warning",
  "error",
] as const satisfies readonly LogLevel[];

/** From which level on records are kept and shown. */
export interface LogLevels {
  /** Where no DN says otherwise. */
  readonly level: LogLevel;
  /** By DN, for that runnable and all below it; the longest that fits counts. */
  readonly levels: Readonly<Record<string, LogLevel>>;
}

/**
 * Reads `--log-level`: a level, then any number of exceptions, such as `info,root.consensus=debug`.
 *
 * @param text The value of the flag.
 * @returns The levels; `info` where only exceptions are given.
 * @throws {TypeError} Where it is not of that form.
 */
export function parseLogLevels(text: string): LogLevels {
  let level: LogLevel = "info";
  const levels: Record<string, LogLevel> = {};
  for (const part of text.split(",")) {
    const [, dn, name] = part.match(/^(?:([a-z0-9_.-]+)=)?([a-z]+)$/) ?? [];
    const found = LOG_LEVELS.find((candidate) => candidate === name);
    if (found === undefined) {
      throw new TypeError(
        `Cannot read "${part}" as a log level: it is LEVEL or DN=LEVEL with a LEVEL of ${
          LOG_LEVELS.join(", ")
        }`,
      );
    }
    if (dn === undefined) level = found;
    else levels[dn] = found;
  }
  return { level, levels };
}
