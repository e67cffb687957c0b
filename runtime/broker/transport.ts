/**
 * What the broker speaks through: ordered, reliable messages between two ends. Today a MessagePort
 * between threads; a socket between processes fits the same shape.
 */
export interface Transport {
  /** Queues a message. Values are copied as by the structured clone algorithm. */
  send(message: unknown): void;
  /** Called for every message of the other end, in order; set once. */
  onMessage(handler: (message: unknown) => void): void;
  /** Called once when either end has closed. */
  onClose(handler: () => void): void;
  /** Closes both ends. */
  close(): void;
}
