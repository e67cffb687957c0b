import type { Transport } from "./transport.ts";

// Taken before a plugin's code can run in this thread: what it does to the prototypes afterwards
// does not give it the ports of the runtime.
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const postMessage: (
  port: MessagePort,
  message: unknown,
  transfer: Transferable[],
) => void = uncurry(MessagePort.prototype.postMessage);
const start: (port: MessagePort) => void = uncurry(MessagePort.prototype.start);
const close: (port: MessagePort) => void = uncurry(MessagePort.prototype.close);
const listen: (
  port: MessagePort,
  type: string,
  listener: (event: MessageEvent<unknown>) => void,
) => void = uncurry(EventTarget.prototype.addEventListener);
/** How many messages travel together at most: a list of billions would take as little to send as it takes long to read. */
const MOST = 256;
/** A port does not tell its other end that it closes (Deno 2.9), so this does, in place of a list of messages. */
const CLOSE = null;

/** A transport whose messages can carry ports and other values that are moved, not copied. */
export interface MessagePortTransport extends Transport {
  send(message: unknown, transfer?: Transferable[]): void;
}

/**
 * Speaks through a MessagePort, between threads or within one.
 *
 * @param port One end of a channel; nobody else uses it.
 * @param most How many messages may come together; 1 where the other end queues none.
 * @returns The transport; it receives from the first `onMessage` on.
 */
export function messagePortTransport(
  port: MessagePort,
  most = MOST,
): MessagePortTransport {
  const onClose: (() => void)[] = [];
  /** What is to go as one message: the most of what one costs is to carry it, and to wake the other thread. */
  let queued: unknown[] = [];
  let open = true;
  function flush() {
    if (!open || queued.length === 0) return;
    const messages = queued;
    queued = [];
    postMessage(port, messages, []);
  }
  function shut() {
    if (!open) return;
    open = false;
    close(port);
    for (const handler of onClose) handler();
  }
  return {
    send(message, transfer = []) {
      if (!open) return;
      flush();
      postMessage(port, [message], transfer);
    },
    queue(message) {
      if (!open) return;
      const count = queued.push(message);
      if (count === 1) queueMicrotask(flush);
      else if (count === MOST) flush();
    },
    onMessage(handler) {
      listen(port, "message", ({ data }) => {
        if (data === CLOSE) return shut();
        // What is no list that this sends is for the reader to refuse, as one message.
        const sent = Array.isArray(data) && data.length <= most;
        const messages: unknown[] = sent ? data : [data];
        const alone = messages.length === 1;
        for (let i = 0; open && i < messages.length; i++) {
          handler(messages[i], alone);
        }
      });
      listen(port, "messageerror", () => shut());
      start(port);
    },
    onClose(handler) {
      onClose.push(handler);
    },
    close() {
      flush();
      if (open) postMessage(port, CLOSE, []);
      shut();
    },
  };
}
