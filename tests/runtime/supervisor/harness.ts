import type { Logger, LogLevel } from "../../../runtime/log/logger.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import {
  type Runnable,
  type RunnableRemoval,
  type RunnableStatus,
  supervise,
  type Supervisor,
  type SupervisorOptions,
} from "../../../runtime/supervisor/mod.ts";

/** A log line as it was written. */
export interface Line {
  readonly dn: string;
  readonly level: LogLevel;
  readonly message: string;
}

/** A tree under a clock that the test moves, and all that it said. */
export class Harness {
  readonly clock = new ManualClock(1_000_000);
  readonly lines: Line[] = [];
  readonly changes: (RunnableStatus | RunnableRemoval)[] = [];

  /** Supervises with this clock and no jitter, unless told otherwise. */
  supervise(
    root: Runnable,
    options: Partial<SupervisorOptions> = {},
  ): Supervisor {
    return supervise(root, {
      clock: this.clock,
      random: () => 0,
      log: (dn) => this.#logger(dn),
      onChange: (change) => this.changes.push(change),
      ...options,
    });
  }

  /** The messages at level error or warning, as `DN: message`. */
  complaints(): string[] {
    return this.lines
      .filter(({ level }) => level === "error" || level === "warning")
      .map(({ dn, message }) => `${dn}: ${message}`);
  }

  #logger(dn: string): Logger {
    const write = (level: LogLevel) => (message: string) =>
      void this.lines.push({ dn, level, message });
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warning"),
      error: write("error"),
    };
  }
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Resolves after a time by the clock, or when the signal aborts, and leaves no timer behind. */
export function pause(
  clock: ManualClock,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clock.clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** Counts, from now on, the listeners that a signal was given, has not told and has not lost again. */
export function listenersOn(signal: AbortSignal): () => number {
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (
    ...args: Parameters<typeof addEventListener>
  ) => {
    listeners.add(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (
    ...args: Parameters<typeof removeEventListener>
  ) => {
    listeners.delete(args[1]);
    removeEventListener.apply(signal, args);
  };
  return () => listeners.size;
}

/** A runnable that is healthy until it is canceled. */
export const service: Runnable = async (ctx) => {
  ctx.healthy();
  await aborted(ctx.signal);
};

/** The tree as `DN STATE`, in its order. */
export function tree(supervisor: Supervisor): string[] {
  return supervisor.status().map(({ dn, state }) => `${dn} ${state}`);
}
