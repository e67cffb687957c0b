import { Buffer } from "node:buffer";
import type { Context } from "hamlet";
import { readAlarms } from "./alarms.ts";
import { delay } from "./delay.ts";
import { isTransient } from "./etcd_error.ts";
import type { EtcdLink } from "./etcd_link.ts";
import type { ListedMembers } from "./listed_members.ts";

/** Options of {@linkcode watchHealth}. */
export interface WatchHealthOptions {
  readonly link: EtcdLink;
  /** Learns of changed members by the way. */
  readonly listed: ListedMembers;
  /** Told each time: nothing if this member does its job, else why not. */
  report(problem: string | undefined): void;
  /** Called each time that a majority has just agreed. */
  agreed(): Promise<void>;
  /** Called each time that etcd answers, and told whether as a learner. */
  answered(learner: boolean): void;
  /** Whether it has since it was started. */
  hasAnswered(): boolean;
  /** Called each time that this member has a vote and a leader. */
  voting(): Promise<void>;
}

/**
 * Milliseconds between two looks; the end of the process is told by an event of its own. By them also the autopromoter
 * hears of a learner, and is to promote it within a second.
 */
export const INTERVAL = 700;
/** How many looks there are to each that asks the other members too, which wakes them all. */
const LOOKS_PER_READ = 7;
/** Milliseconds that etcd has to answer. */
const PATIENCE = 2_000;

/**
 * Looks whether etcd answers, for as long as its process runs. There is no event for one that hangs
 * or has lost its quorum.
 *
 * @param ctx Its place in the tree, below the process.
 * @param options See {@linkcode WatchHealthOptions}.
 */
export async function watchHealth(
  ctx: Context,
  options: WatchHealthOptions,
): Promise<void> {
  const { signal } = ctx;
  const { report, agreed } = options;
  ctx.healthy();
  let problem: string | undefined = "etcd has not answered yet";
  for (let look = 0; !signal.aborted; look += 1) {
    const read = problem !== undefined || look % LOOKS_PER_READ === 0;
    const probed = probe(options, read).then(async (found) => {
      problem = found;
      if (signal.aborted) return;
      report(problem);
      if (read && problem === undefined) await agreed();
    });
    // What hangs must not hold up the end of this, which the next etcd waits for.
    await orAborted(probed, signal);
    await delay(INTERVAL, signal);
  }
}

/** Waits until a promise has settled or the signal aborts, and leaves nothing behind at the signal. */
async function orAborted(
  promise: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const abort = () => resolve();
  signal.addEventListener("abort", abort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Asks etcd what `ready` means: whether this member has a vote and answers.
 *
 * @param options The way to it, and whom to tell what it says.
 * @param read Whether to ask it for what it does not answer alone.
 * @returns What is wrong, for a person; undefined if nothing is.
 */
async function probe(
  { link, listed, answered, hasAnswered, voting }: WatchHealthOptions,
  read: boolean,
): Promise<string | undefined> {
  try {
    const deadline = Date.now() + PATIENCE;
    const client = await link.client(deadline);
    const { status } = await listed.look(client, { deadline });
    answered(status.isLearner);
    if (status.isLearner) {
      return "learner, waiting for promotion: it gets a vote once it has caught up";
    }
    if (status.leader === "0") {
      return NO_LEADER;
    }
    await voting();
    // Answered only once a majority has agreed that its leader still leads. A member that has lost its majority knows
    // so by itself within two election timeouts (https://etcd.io/docs/v3.4/tuning/), and then knows no leader.
    if (read) {
      const nothing = { key: Buffer.of(0), limit: 1, keys_only: true };
      await client.kv.range(nothing, { deadline });
    }
    const [alarm] = readAlarms(status.errors);
    return alarm && ALARMS[alarm.kind];
  } catch (error) {
    if (isTransient(error) && !hasAnswered()) return NO_LEADER;
    return error instanceof Error ? error.message : String(error);
  }
}

/** After a start without a majority, etcd does not even answer. */
const NO_LEADER =
  "etcd has no leader: start the other members, or see that they can be reached";

const ALARMS = {
  "no-space":
    "etcd takes no more writes (alarm NOSPACE): delete keys, then compact, defragment and disarm with etcdctl",
  corrupt:
    "etcd has found its data to differ between members (alarm CORRUPT): replace this member",
  unknown: "etcd has raised an alarm: ask `etcdctl alarm list`",
} as const;
