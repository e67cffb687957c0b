import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** Options of {@linkcode Connections}. */
export interface ConnectionsOptions {
  /** Serves a connection. */
  serve(socket: Socket): void;
  /** Told when strangers are turned away, at most once a minute, with how many since it was last told. */
  turnedAway(count: number, address: string): void;
  /** Milliseconds that a connection may last whose peer has not shown who it is. @default 15 s */
  readonly patience?: number;
}

/** Connections of strangers, in all and from one address: enough for the joins of a large cluster at once. */
const MOST_STRANGERS = 512;
const MOST_OF_ONE_ADDRESS = 64;
/** Milliseconds between two complaints. */
const COMPLAIN_EVERY = 60_000;

/** A connection whose peer has not shown who it is. */
interface Stranger {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Takes connections, and bounds what those cost that have not shown who they are. Where there are too
 * many, the oldest goes: a peer that has a certificate shows it within milliseconds, while one that
 * only wants to be in the way waits.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #server: Server;
  readonly #open = new Map<string, Socket>();
  /** The oldest first. */
  readonly #strangers = new Map<string, Stranger>();
  #turnedAway = 0;
  #complainedAt = -Infinity;

  /** @param options See {@linkcode ConnectionsOptions}. */
  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#take(socket));
  }

  /**
   * Listens.
   *
   * @param host An address.
   * @param port A port; 0 takes a free one.
   * @returns The port.
   */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address !== null
      ? address.port
      : port;
  }

  /**
   * Says that a peer has shown who it is.
   *
   * @param peer As gRPC calls it: address and port.
   */
  known(peer: string): void {
    const stranger = this.#strangers.get(peer);
    if (stranger === undefined) return;
    clearTimeout(stranger.timer);
    this.#strangers.delete(peer);
  }

  /**
   * Ends a connection at once.
   *
   * @param peer As gRPC calls it.
   */
  end(peer: string): void {
    this.#open.get(peer)?.destroy();
  }

  /** Ends all connections and listens no more. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#open.values()) socket.destroy();
    await closed;
  }

  #take(socket: Socket): void {
    const { remoteAddress: address, remotePort } = socket;
    // Reset between the kernel's accept and ours.
    if (address === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    // As gRPC names it, an IPv6 address without brackets.
    const peer = `${address}:${remotePort}`;
    this.#open.set(peer, socket);
    const timer = setTimeout(
      () => socket.destroy(),
      this.#options.patience ?? 15_000,
    );
    this.#strangers.set(peer, { socket, address, timer });
    socket.on("close", () => {
      clearTimeout(timer);
      // Another connection may have the same name by now.
      if (this.#open.get(peer) === socket) this.#open.delete(peer);
      if (this.#strangers.get(peer)?.socket === socket) {
        this.#strangers.delete(peer);
      }
    });
    // What is wrong with a connection ends it; TLS and HTTP/2 above have listeners of their own.
    socket.on("error", () => {});
    this.#bound(address);
    this.#options.serve(socket);
  }

  #bound(address: string): void {
    let ofThisAddress = 0;
    let oldestOfThisAddress: string | undefined;
    for (const [peer, stranger] of this.#strangers) {
      if (stranger.address !== address) continue;
      ofThisAddress++;
      oldestOfThisAddress ??= peer;
    }
    const [oldest] = this.#strangers.keys();
    const surplus = ofThisAddress > MOST_OF_ONE_ADDRESS
      ? oldestOfThisAddress
      : this.#strangers.size > MOST_STRANGERS
      ? oldest
      : undefined;
    if (surplus === undefined) return;
    this.end(surplus);
    // It takes a moment to close, in which others come.
    this.known(surplus);
    this.#turnedAway++;
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAIN_EVERY) return;
    this.#complainedAt = now;
    this.#options.turnedAway(this.#turnedAway, address);
    this.#turnedAway = 0;
  }
}
