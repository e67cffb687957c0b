import { setTimeout as delay } from "node:timers/promises";
import type { Latest } from "hamlet";
import type { NodeView } from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { RpcOptions } from "../grpc/stub.ts";
import type { Endpoint } from "../token.ts";
import type { AskMembersOptions } from "./ask_members.ts";
import { Backoff } from "./backoff.ts";
import { normalizeAddress } from "./certificate_content.ts";
import { defined } from "./defined.ts";
import type { SelfReport } from "./follow.ts";
import { connectAs, type MemberConnection } from "./member_connection.ts";
import { describeFailure, isRemoval } from "./refusal.ts";

/** Milliseconds that each may take to answer. */
const TIMEOUT_MS = 5_000;
/** How often one is asked that has shown this node's key and did not say more. */
const TRIES = 3;
/** Milliseconds between two tries of that. */
const PAUSE_MS = 1_000;
/** Milliseconds that a machine which starts has to reach somebody: its network may come later. */
const PATIENCE_MS = 30_000;

/** Options of {@linkcode findOriginal}. */
export interface FindOriginalOptions extends AskMembersOptions {
  readonly name: string;
  readonly self: Latest<SelfReport>;
  /** A random number for this start of the curator. */
  readonly instance: Uint8Array;
  /** Milliseconds in which one of the other members has to be reached. @default half a minute */
  readonly patience?: number;
}

/**
 * Finds out whether this machine is a copy of one that runs as this member, wherever this one or another member
 * remembers it. Of two etcds with one member ID, each acknowledges to the leader what the other one then never gets.
 *
 * @param options See {@linkcode FindOriginalOptions}.
 * @param signal Ends it.
 * @returns What the other machine says; undefined where none does. If one runs after all, the reports of both tell.
 */
export async function findOriginal(
  options: FindOriginalOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { id, known, log, patience = PATIENCE_MS } = options;
  const remembered = known.endpoints.filter((one) => one.id === id);
  const late = performance.now() + patience;
  const backoff = new Backoff();
  for (;;) {
    const told = await askForPlaces(options, signal);
    const places = new Map(
      [...remembered, ...told ?? []].map((
        place,
      ) => [`${normalizeAddress(place.address)} ${place.port}`, place]),
    );
    const answers = await Promise.all(
      places.values().map((place) => askOriginal(place, options, signal)),
    );
    const original = answers.find((answer) => answer !== undefined);
    if (original !== undefined || told !== undefined) return original;
    if (performance.now() > late) {
      log.warn(
        "No other member is reached: whether another machine runs as this node is not known",
      );
      return;
    }
    await backoff.wait(signal);
  }
}

/**
 * Asks the other members where this one is; the first answer counts.
 *
 * @returns Its places, as far as they are known; undefined where none of them was even reached.
 */
async function askForPlaces(
  options: FindOriginalOptions,
  signal: AbortSignal,
): Promise<Endpoint[] | undefined> {
  const { id, credentials, known, revocations, log } = options;
  const others = known.endpoints.filter((one) => one.id !== id);
  if (others.length === 0) return [];
  const self = await defined(credentials, signal);
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  let reached = false;
  const answers = others.map(async (one) => {
    using connection = connectAs(one, self, revocations);
    try {
      return await placesOf(id, connection.membership, {
        signal: ends,
        timeout: TIMEOUT_MS,
      });
    } catch (error) {
      // Its machine is there, even where it is just starting too.
      reached ||= connection.serial() !== undefined ||
        String(error).includes("ECONNREFUSED");
      throw error;
    }
  });
  try {
    return await Promise.any(answers);
  } catch (error) {
    signal.throwIfAborted();
    log.debug("No other member says where this one is", { error });
    return reached ? [] : undefined;
  } finally {
    over.abort();
  }
}

async function placesOf(
  id: string,
  member: MemberConnection["membership"],
  call: RpcOptions,
): Promise<Endpoint[]> {
  let last: NodeView | undefined;
  for await (const { nodes, lastBacklogged } of member.watchNodes({}, call)) {
    // What has changed since the rest was put together comes once more.
    last = nodes.find((node) => node.id === id) ?? last;
    if (!lastBacklogged) continue;
    const { addresses = [], curatorPort: port = 0 } = last ?? {};
    return port === 0
      ? []
      : addresses.map((address) => ({ id, address, port }));
  }
  throw new RpcError(Code.UNAVAILABLE, "it ended the connection");
}

/** Asks whoever has this node's key at a place, which may be this machine, what it is. */
async function askOriginal(
  place: Endpoint,
  options: FindOriginalOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name, self, instance, credentials, revocations, log } = options;
  const own = await defined(credentials, signal);
  for (let tries = 0; tries < TRIES; tries++) {
    using connection = connectAs(place, own, revocations);
    try {
      await connection.membership.report({
        instance,
        name,
        addresses: [...self.value.addresses],
        // Who takes that for its own report is this node, there.
        curatorPort: place.port,
      }, { signal, timeout: TIMEOUT_MS });
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (isRemoval(error)) return error.message;
      log.debug(
        `Nobody says to run as this node at ${place.address}: ${
          describeFailure(error)
        }`,
      );
      if (connection.serial() === undefined) return;
    }
    // One that has the key and cannot tell yet may be without a majority, or about to learn that it is the copy.
    await delay(PAUSE_MS, undefined, { signal });
  }
}
