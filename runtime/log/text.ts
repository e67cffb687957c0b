import { clean } from "./clean.ts";
import { asError, type LogEntry, PLACEHOLDER, valueText } from "./entry.ts";
import type { LogLevel } from "./logger.ts";

/** Options of {@linkcode formatText}. */
export interface TextOptions {
  /** Whether to color with ANSI sequences. */
  readonly color: boolean;
  /** Whether errors show where they were thrown. @default {false} */
  readonly stacks?: boolean;
}

const RESET = "\x1b[0m";
const DIM = "\x1b[2m";
const LEVELS: Readonly<Record<LogLevel, readonly [string, string]>> = {
  debug: ["DEBUG", DIM],
  info: ["INFO ", "\x1b[32m"],
  warning: ["WARN ", "\x1b[33m"],
  error: ["ERROR", "\x1b[1;31m"],
};

/**
 * Writes an entry for people: local time, level, DN, message, and the properties that the message
 * does not tell. Nothing in it can move the cursor or start another line.
 *
 * @param entry The entry.
 * @param options See {@linkcode TextOptions}.
 * @returns One line with its newline, and the lines of stacks where they are wanted.
 */
export function formatText(entry: LogEntry, options: TextOptions): string {
  const paint = (style: string, text: string) =>
    options.color ? `${style}${text}${RESET}` : text;
  const shown = new Set(
    entry.template?.matchAll(PLACEHOLDER).map((match) => match[1]),
  );
  const rest: string[] = [];
  const stacks: string[] = [];
  for (const [name, value] of Object.entries(entry.properties)) {
    const error = asError(value);
    const text = valueText(value);
    // Supervision says what a runnable died of, and has the error itself for machines.
    const told = error !== undefined && entry.message.includes(text);
    if (!shown.has(name) && !told) {
      const quoted = /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
      rest.push(clean(`${name}=${typeof value === "string" ? quoted : text}`));
    }
    const stack = options.stacks ? error?.stack : undefined;
    if (stack !== undefined) {
      stacks.push(...stack.split("\n").map((line) => `    ${clean(line)}\n`));
    }
  }
  const [label, style] = LEVELS[entry.level];
  const parts = [
    paint(DIM, localTime(new Date(entry.time))),
    paint(style, label),
    paint(DIM, clean(entry.dn)),
    clean(entry.message),
  ];
  if (rest.length > 0) parts.push(paint(DIM, rest.join(" ")));
  return `${parts.join(" ")}\n${
    stacks.length > 0 ? paint(DIM, stacks.join("")) : ""
  }`;
}

function localTime(time: Date): string {
  const pad = (value: number, digits = 2) => `${value}`.padStart(digits, "0");
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${
    pad(time.getDate())
  } ${pad(time.getHours())}:${pad(time.getMinutes())}:${
    pad(time.getSeconds())
  }.${pad(time.getMilliseconds(), 3)}`;
}
