import type { NotifySocket } from "./notify_socket.ts";

/** Between two tries, in milliseconds. */
const RETRY_MS = 100;

/**
 * Sees to it that systemd takes what it is told, until it is disposed of. Linux keeps a few datagrams for a reader that
 * is busy, unix(7), and a node that starts has many: one whose `READY=1` was lost is killed for not being ready in time.
 */
export class Notices implements Disposable {
  readonly #socket: NotifySocket;
  /** What was not taken yet, by its first variable: only the newest of each still matters. */
  readonly #untold = new Map<string, string>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  /** @param socket Where systemd listens. */
  constructor(socket: NotifySocket) {
    this.#socket = socket;
  }

  /**
   * Tells systemd something, as soon as it takes it.
   *
   * @param state As `NotifySocket.tell` has it.
   */
  tell(state: string): void {
    // By now the socket may be closed, and its descriptor somebody else's.
    if (this.#disposed) return;
    const [variable = ""] = state.split("=");
    this.#untold.set(variable, state);
    this.#deliver();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#retry);
  }

  #deliver(): void {
    clearTimeout(this.#retry);
    for (const [variable, state] of this.#untold) {
      if (!this.#socket.tell(state)) {
        this.#retry = setTimeout(() => this.#deliver(), RETRY_MS);
        return;
      }
      this.#untold.delete(variable);
    }
  }
}
