import type { LogLevel } from "./logger.ts";

/** One line of the log, as it crosses from a plugin's Worker and as `hamlet logs` shows it. */
export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  /** The runnable that said it. */
  readonly dn: string;
  /** A template: `{name}` stands for the property of that name. */
  readonly message: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Takes records as they happen; must not throw and must not block. */
export type LogSink = (record: LogRecord) => void;
