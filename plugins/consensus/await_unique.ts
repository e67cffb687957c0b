import {
  type Client,
  type enrollment,
  type Logger,
  ServiceError,
} from "hamlet";
import { delay } from "./delay.ts";

/** Milliseconds after which etcd starts without an answer: what asks the others may be broken, or not among the plugins. */
const PATIENCE_MS = 60_000;
/** Milliseconds until another try, where what asks the others is started again. */
const PAUSE_MS = 500;

/** Options of {@linkcode awaitUnique}. */
export interface AwaitUniqueOptions {
  /** Waits until the others can be asked. */
  members(): Promise<Client<typeof enrollment>>;
  /** Told where nobody has answered. */
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Milliseconds to wait at the most. @default a minute */
  readonly patience?: number;
}

/**
 * Waits until no other machine is known to run as this member. On a copy of one that does, the node is told to end
 * meanwhile.
 *
 * @param options See {@linkcode AwaitUniqueOptions}.
 */
export async function awaitUnique(
  { members, log, signal, patience = PATIENCE_MS }: AwaitUniqueOptions,
): Promise<void> {
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn(
      "Nobody says whether another machine runs as this node: its etcd starts all the same",
    );
    late.resolve();
  }, patience);
  ends.addEventListener("abort", () => late.resolve());
  try {
    if (!signal.aborted) await Promise.race([ask(members, ends), late.promise]);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

async function ask(
  members: AwaitUniqueOptions["members"],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await (await members()).unique({}, { signal });
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ServiceError)) throw error;
    }
    await delay(PAUSE_MS, signal);
  }
}
