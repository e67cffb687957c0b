import type { NodeView } from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import type { RpcOptions } from "../grpc/stub.ts";
import type { Endpoint } from "../token.ts";
import type { AskMembersOptions } from "./ask_members.ts";
import { normalizeAddress } from "./certificate_content.ts";
import { defined } from "./defined.ts";
import type { SelfReport } from "./follow.ts";
import { connectMember, type MemberConnection } from "./member_connection.ts";
import { describeFailure, isRemoval } from "./refusal.ts";

type Member = MemberConnection["membership"];

/** Milliseconds that the others have to say where this node is, and then whoever is there to answer. */
const PATIENCE_MS = 5_000;

/** Options of {@linkcode findOriginal}. */
export interface FindOriginalOptions extends AskMembersOptions {
  readonly name: string;
  readonly self: SelfReport;
  /** A random number for this start of the node. */
  readonly instance: Uint8Array;
}

/**
 * Finds out whether this machine is a copy of one that runs as this member, wherever this one or another member
 * remembers it. Of two etcds with one member ID, each acknowledges to the leader what the other one then never gets.
 *
 * @param options See {@linkcode FindOriginalOptions}.
 * @param signal Ends it.
 * @returns What the other machine says; undefined where none answers. If one runs after all, the reports of both tell.
 */
export async function findOriginal(
  options: FindOriginalOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { id, known, log } = options;
  const places = new Map(
    [
      ...known.endpoints.filter((one) => one.id === id),
      ...await askForPlaces(options, signal),
    ].map((place) => [normalizeAddress(place.address), place]),
  );
  const answers = await Promise.all(
    // Also where this machine is: both may have been told to use the same address, and nobody serves here yet.
    places.values().map(async (place) => {
      try {
        await ask(
          place,
          (member, call) =>
            member.report(
              {
                instance: options.instance,
                name: options.name,
                addresses: [...options.self.addresses],
                curatorPort: options.self.curatorPort,
              },
              call,
            ),
          options,
          signal,
        );
      } catch (error) {
        signal.throwIfAborted();
        if (isRemoval(error)) return error.message;
        log.debug(
          `Nobody says to run as this node at ${place.address}: ${
            describeFailure(error)
          }`,
        );
      }
    }),
  );
  return answers.find((answer) => answer !== undefined);
}

/** Asks the other members where this one is; the first answer counts. */
async function askForPlaces(
  options: FindOriginalOptions,
  signal: AbortSignal,
): Promise<Endpoint[]> {
  const { id, known, log } = options;
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  const answers = known.endpoints.filter((one) => one.id !== id).map((one) =>
    ask(one, (member, call) => placesOf(id, member, call), options, ends)
  );
  try {
    return await Promise.any(answers);
  } catch (error) {
    signal.throwIfAborted();
    log.debug("No other member says where this one is", { error });
    return [];
  } finally {
    over.abort();
  }
}

async function placesOf(
  id: string,
  member: Member,
  call: RpcOptions,
): Promise<Endpoint[]> {
  let last: NodeView | undefined;
  for await (const { nodes, lastBacklogged } of member.watchNodes({}, call)) {
    // What has changed since the rest was put together comes once more.
    last = nodes.find((node) => node.id === id) ?? last;
    if (!lastBacklogged) continue;
    const { addresses = [], curatorPort: port = 0 } = last ?? {};
    return addresses.map((address) => ({ id, address, port }));
  }
  throw new RpcError(Code.UNAVAILABLE, "it ended the connection");
}

async function ask<T>(
  endpoint: Endpoint,
  what: (member: Member, call: RpcOptions) => Promise<T>,
  { credentials, revocations }: AskMembersOptions,
  signal: AbortSignal,
): Promise<T> {
  const self = await defined(credentials, signal);
  using connection = connectMember(endpoint, {
    ca: self.ca,
    self,
    isRevoked: (serial) => revocations.isRevoked(serial),
  });
  return await what(connection.membership, { signal, timeout: PATIENCE_MS });
}
