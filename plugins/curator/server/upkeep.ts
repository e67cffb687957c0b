import { setTimeout as delay } from "node:timers/promises";
import type { Context, Member } from "hamlet";
import { isIPv6 } from "node:net";
import {
  type NodeRecord,
  Pending,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import type { Departures } from "./departures.ts";
import { isOf, type Members } from "./members.ts";
import type { NodeFeed } from "./node_feed.ts";

/** Options of {@linkcode upkeep}. */
export interface UpkeepOptions {
  readonly departures: Departures;
  readonly feed: NodeFeed;
  readonly members: Members;
  /** Milliseconds after which a learner that was not promoted is removed. */
  readonly joinTimeout: number;
  /**
   * Milliseconds after which nobody waits any more for etcd's answer whether a member may leave.
   *
   * @default 30 s, which is longer than etcd is asked
   */
  readonly askTimeout?: number;
}

/** Milliseconds between two looks at the members, of which etcd has no watch. */
const LOOK_MS = 2_000;
/** Milliseconds for the member that began something to bring it to its end itself. */
const BEGUN_MS = 5_000;

/**
 * Does, on the leader's node, what nobody else may live to do: removes learners that were not
 * promoted in time and block the next one, tells etcd where members are now, brings to its end what
 * was begun, and takes back what etcd did not let begin. Time is this machine's own, by which nobody
 * else's clock matters; a new leader counts anew.
 *
 * @param ctx The runnable.
 * @param options See {@linkcode UpkeepOptions}.
 */
export async function upkeep(
  ctx: Context,
  { departures, feed, members, joinTimeout, askTimeout = 30_000 }:
    UpkeepOptions,
): Promise<void> {
  const learners = new Since();
  const begun = new Since();
  const asked = new Since();
  let waits = false;
  ctx.healthy();
  while (!ctx.signal.aborted) {
    try {
      const list = await members.list(ctx);
      const leads = list.some(({ self, leader }) => self && leader);
      await expireLearners(leads ? list : []);
      if (leads) await placeMembers(list);
      await goOnWithAll(leads ? list : []);
      // Without a majority, the members are told now and then all the same.
      if (list.some(({ leader }) => leader)) waits = false;
    } catch (error) {
      if (ctx.signal.aborted) return;
      // Without a majority nothing of this can be done; it is tried again, and fails in several ways.
      const problem = error instanceof Error ? error.message : String(error);
      if (waits) ctx.log.debug(`Upkeep still waits: ${problem}`);
      else ctx.log.warn(`Upkeep waits: ${problem}`);
      waits = true;
    }
    await delay(LOOK_MS, undefined, { signal: ctx.signal }).catch(() => {});
  }

  async function expireLearners(list: readonly Member[]): Promise<void> {
    const waiting = list.filter(({ learner }) => learner);
    for (const { id, name } of learners.longerThan(joinTimeout, waiting)) {
      ctx.log.warn(
        `Removes learner "${name || id}", which was not promoted in ${
          joinTimeout / 1000
        } s and blocks the next one: it may join again`,
      );
      await members.expire(id, ctx);
    }
  }

  async function placeMembers(list: readonly Member[]): Promise<void> {
    for (const member of list) {
      const addresses = feed.get(member.name)?.addresses ?? [];
      const peerURL = movedTo(member, addresses);
      if (member.learner || peerURL === undefined) continue;
      ctx.log.info(`Member "${member.name}" has moved to ${peerURL}`);
      await members.place(member, peerURL, ctx);
    }
  }

  async function goOnWithAll(list: readonly Member[]) {
    // Nobody leads without being a member.
    const pending = list.length === 0
      ? []
      : feed.all().filter((record) => record.pending !== Pending.UNSPECIFIED);
    const open = pending.filter((record) =>
      isAsked(record) && list.some((member) => isOf(member, record))
    );
    for (const record of asked.longerThan(askTimeout, open)) {
      if (!await departures.settle(record, ctx)) continue;
      ctx.log.warn(
        `Node "${record.name}" (${record.id}) stays a member: etcd was asked to let it go and has not; ask again, if that is still wanted`,
      );
    }
    const certain = pending.filter((record) => !open.includes(record));
    const problems: unknown[] = [];
    for (const record of begun.longerThan(BEGUN_MS, certain)) {
      // One that cannot leave yet is nothing that others have to wait for.
      await goOn(record).catch((error) => problems.push(error));
    }
    if (problems.length > 0) throw problems[0];
  }

  async function goOn(record: NodeRecord): Promise<void> {
    // A node that becomes a worker may be away for long, and others need not wait for it.
    const patience = AbortSignal.timeout(BEGUN_MS);
    const signal = AbortSignal.any([ctx.signal, patience]);
    try {
      for await (const { step } of departures.finish(record.id, { signal })) {
        ctx.log.info(
          `Goes on with node "${record.name}" (${record.id}): ${step}`,
        );
      }
    } catch (error) {
      if (!patience.aborted) throw error;
    }
  }
}

/** Since when something is the case, by this machine's own time. */
class Since {
  #since = new Map<string, number>();

  /** Those of `now` that have been among them each time for so many milliseconds. */
  longerThan<T extends { readonly id: string }>(
    milliseconds: number,
    now: readonly T[],
  ): T[] {
    const time = performance.now();
    this.#since = new Map(
      now.map(({ id }) => [id, this.#since.get(id) ?? time]),
    );
    return now.filter(({ id }) =>
      time - (this.#since.get(id) ?? time) > milliseconds
    );
  }
}

function isAsked({ pending }: NodeRecord): boolean {
  return pending === Pending.REMOVAL_ASKED ||
    pending === Pending.DEMOTION_ASKED;
}

/** Where a member's etcd is now, if its node has no longer the address that the others know. */
function movedTo(
  { peerURLs: [peerURL = ""] }: Member,
  addresses: readonly string[],
): string | undefined {
  const url = URL.parse(peerURL);
  const [first] = addresses;
  if (url === null || first === undefined) return;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (addresses.includes(host)) return;
  // What could reach it before can reach it again, if it has such an address still.
  const address = addresses.find((one) => isIPv6(one) === isIPv6(host)) ??
    first;
  return `https://${isIPv6(address) ? `[${address}]` : address}:${url.port}`;
}
