import type { Client, enrollment, Logger } from "hamlet";
import { delay } from "./delay.ts";
import { isTransient } from "./etcd_error.ts";

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
  const timer = setTimeout(late.resolve, patience);
  ends.addEventListener("abort", () => late.resolve());
  let error: unknown;
  try {
    const answered = ask(members, ends, (failure) => error = failure);
    const isUnique = await Promise.race([answered, late.promise]);
    if (isUnique || signal.aborted) return;
    log.warn(
      "Nobody says whether another machine runs as this node: its etcd starts all the same",
      { error },
    );
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** Asks until there is an answer, or a failure that another try does not change. */
async function ask(
  members: AwaitUniqueOptions["members"],
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await (await members()).unique({}, { signal });
      return true;
    } catch (error) {
      onFailure(error);
      if (!isTransient(error)) break;
    }
    await delay(PAUSE_MS, signal);
  }
  return false;
}
