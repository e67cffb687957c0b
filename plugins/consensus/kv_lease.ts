import { Duplex } from "node:stream";
import type { ILeaseKeepAliveResponse } from "etcd3";
import { ServiceError } from "hamlet";
import { delay } from "./delay.ts";
import { isTransient, toEtcdError } from "./etcd_error.ts";
import type { EtcdLink } from "./etcd_link.ts";
import type { KvStore } from "./kv_store.ts";

/** Options of {@linkcode holdLease}. */
export interface HoldLeaseOptions {
  readonly link: EtcdLink;
  readonly store: KvStore;
  /** Seconds that the lease lives once nobody keeps it alive. */
  readonly ttl: number;
  /** Revokes the lease. */
  readonly signal: AbortSignal;
}

/**
 * Grants a lease and keeps it alive until the reader stops, also over a restart of etcd, which lets
 * no lease expire while it is away.
 *
 * @param options See {@linkcode HoldLeaseOptions}.
 * @returns The lease's ID, once; then it ends with the lease.
 * @throws {ServiceError} `failed-precondition` if etcd let it expire.
 */
export async function* holdLease(
  options: HoldLeaseOptions,
): AsyncGenerator<string, void, void> {
  const { store, ttl, signal } = options;
  const { ID } = await store.read(
    signal,
    (client, call) => client.lease.leaseGrant({ TTL: ttl }, call),
  );
  const stopped = new AbortController();
  const kept = keep(options, ID, AbortSignal.any([signal, stopped.signal]));
  // It is awaited only once the reader asks for more.
  kept.catch(() => {});
  try {
    yield ID;
    await kept;
  } finally {
    stopped.abort();
    const client = await options.link.client(Date.now());
    // Where this fails, the lease ends by itself.
    await client.lease.leaseRevoke({ ID }).catch(() => {});
  }
}

async function keep(
  { link, ttl }: HoldLeaseOptions,
  ID: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await delay(ttl * 1_000 / 3, signal);
    try {
      if (signal.aborted || await keepAlive(link, ID)) continue;
    } catch (error) {
      if (!isTransient(error)) throw error;
      continue;
    }
    throw new ServiceError(
      "failed-precondition",
      `Lease "${ID}" has expired: nobody kept it alive for ${ttl} seconds`,
    );
  }
}

/** Gives a lease its full time again; false where there is no such lease any more. */
async function keepAlive(link: EtcdLink, ID: string): Promise<boolean> {
  const deadline = Date.now() + link.deadline;
  const client = await link.client(deadline);
  const stream = await client.lease.leaseKeepAlive({ deadline });
  try {
    if (!(stream instanceof Duplex)) throw new TypeError("Cannot read a lease");
    const answers: AsyncIterable<ILeaseKeepAliveResponse> = stream;
    stream.write({ ID });
    for await (const { TTL } of answers) return TTL !== "0";
    return false;
  } catch (error) {
    throw toEtcdError(error);
  } finally {
    stream.cancel();
  }
}
