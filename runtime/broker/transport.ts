/**
 * What the broker speaks through: ordered, reliable messages between two ends. Today a MessagePort
 * between threads; a socket between processes fits the same shape.
 */
export interface Transport {
  /** Sends a message at once. Values are copied as by the structured clone algorithm. */
  send(message: unknown): void;
  /**
   * Sends a message together with those that are queued until the microtasks of now have run, in the order of all
   * that is sent. Until then it must not change.
   */
  queue(message: unknown): void;
  /** Called for every message of the other end, in order, and whether it came alone; set once. */
  onMessage(handler: (message: unknown, alone: boolean) => void): void;
  /** Called once when either end has closed. */
  onClose(handler: () => void): void;
  /** Closes both ends. */
  close(): void;
}
