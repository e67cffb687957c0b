import type { Logger, LogLevel } from "../log/logger.ts";
import { clip, plain } from "../log/plain.ts";
import type { PluginMessage } from "./control.ts";

/** Records that a plugin may log at once. */
const BURST = 2_000;
/** Records a second that it may go on with. */
const RATE = 500;
/** Milliseconds from the first record that is dropped until the log says how many there were. */
const SILENCE_MS = 1_000;

/**
 * Makes the log of a plugin, at its own end: what is said faster than anybody reads is counted
 * instead of sent, so that a loop that logs costs neither the node's memory nor the others' turn.
 *
 * @param plugin The DN of the plugin, which says what was dropped.
 * @param send Leads to the host.
 * @returns The log under a DN of the plugin.
 */
export function pluginLog(
  plugin: string,
  send: (message: PluginMessage) => void,
): (dn: string) => Logger {
  let left = BURST;
  let since = performance.now();
  let dropped = 0;

  function record(
    level: LogLevel,
    dn: string,
    message: unknown,
    properties: Record<string, unknown>,
  ): void {
    send({
      kind: "log",
      record: {
        time: Date.now(),
        level,
        dn,
        message: clip(String(message)),
        // Anything may be logged, also what cannot cross.
        properties: Object.fromEntries(
          Object.entries(properties).map(([key, value]) => [key, plain(value)]),
        ),
      },
    });
  }

  function admit(): boolean {
    const now = performance.now();
    left = Math.min(BURST, left + (now - since) * RATE / 1_000);
    since = now;
    if (left >= 1) {
      left -= 1;
      return true;
    }
    if (dropped === 0) setTimeout(tellDropped, SILENCE_MS);
    dropped += 1;
    return false;
  }

  function tellDropped(): void {
    const message =
      `Dropped ${dropped} log records: a plugin may log ${RATE} a second, and ${BURST} at once`;
    dropped = 0;
    record("warning", plugin, message, {});
  }

  return (dn) => {
    const at =
      (level: LogLevel): Logger["info"] => (message, properties = {}) => {
        if (admit()) record(level, dn, message, properties);
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warning"),
      error: at("error"),
    };
  };
}
