/** Options of {@linkcode PeerTraffic}. */
export interface PeerTrafficOptions {
  /** Reads etcd's metrics: https://etcd.io/docs/v3.4/metrics/ */
  metrics(): Promise<string>;
  /** @default {performance.now} */
  readonly now?: () => number;
}

/** What is known of the traffic from one peer. */
interface Received {
  readonly bytes: number;
  /** Since when at the latest something came; undefined while nothing has. */
  readonly heard: number | undefined;
}

/**
 * Tells when this member last heard from its peers, by the bytes that etcd has received from them.
 * A leader and its peers, learners included, exchange heartbeats every 100 ms; a dead one sends none.
 */
export class PeerTraffic {
  readonly #metrics: () => Promise<string>;
  readonly #now: () => number;
  #received = new Map<string, Received>();
  #lookedAt = 0;

  /** @param options See {@linkcode PeerTrafficOptions}. */
  constructor(options: PeerTrafficOptions) {
    this.#metrics = () => options.metrics();
    this.#now = options.now ?? (() => performance.now());
  }

  /** Looks again. What came since the last look came, for all that is known, right after it. */
  async look(): Promise<void> {
    const start = this.#now();
    const text = await this.#metrics();
    const before = this.#received;
    this.#received = new Map();
    for (const [, id, value] of text.matchAll(LINE)) {
      if (id === undefined) continue;
      const bytes = Number(value);
      const known = before.get(id);
      const heard = known && bytes > known.bytes
        ? this.#lookedAt
        : known?.heard;
      this.#received.set(id, { bytes, heard });
    }
    this.#lookedAt = start;
  }

  /**
   * Tells how long ago a peer was heard.
   *
   * @param id Its member ID in hex.
   * @returns At most so many milliseconds; undefined if it was not heard between two looks yet.
   */
  heardAgo(id: string): number | undefined {
    const heard = this.#received.get(id)?.heard;
    return heard === undefined ? undefined : this.#now() - heard;
  }
}

const LINE =
  /^etcd_network_peer_received_bytes_total\{From="([0-9a-f]+)"\} (\S+)$/gm;
