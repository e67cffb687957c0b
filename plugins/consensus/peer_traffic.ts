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
  #connected = new Set<string>();
  #lookedAt = 0;

  /** @param options See {@linkcode PeerTrafficOptions}. */
  constructor(options: PeerTrafficOptions) {
    this.#metrics = () => options.metrics();
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Looks again. What came since the last look came, for all that is known, right after it.
   *
   * @param age Milliseconds for which the last look is good enough.
   */
  async look(age = 0): Promise<void> {
    const start = this.#now();
    if (this.#lookedAt > 0 && start - this.#lookedAt < age) return;
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
    this.#connected = new Set();
    for (const [, id, value] of text.matchAll(ACTIVE)) {
      if (id !== undefined && Number(value) > 0) this.#connected.add(id);
    }
    this.#lookedAt = start;
  }

  /**
   * Tells whether etcd was connected to a peer at the last look.
   *
   * @param id Its member ID in hex.
   * @returns Whether it was.
   */
  reachable(id: string): boolean {
    return this.#connected.has(id);
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
const ACTIVE =
  /^etcd_network_active_peers\{Local="[0-9a-f]+",Remote="([0-9a-f]+)"\} (\S+)$/gm;
