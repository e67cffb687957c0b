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
const dataGetter = Object.getOwnPropertyDescriptor(
  MessageEvent.prototype,
  "data",
)?.get;
if (dataGetter === undefined) {
  throw new Error("MessageEvent.prototype has no getter of data");
}
const dataOf: (event: MessageEvent<unknown>) => unknown = uncurry(dataGetter);

/** A port does not tell its other end that it closes (Deno 2.9), so this message does. */
const CLOSE = null;

/** Options of {@linkcode messagePortTransport}. */
export interface MessagePortTransportOptions {
  /**
   * Which of a message's values are transferred rather than copied.
   * @default none
   */
  readonly transfer?: (message: unknown) => Transferable[];
}

/**
 * Speaks through a MessagePort, between threads or within one.
 *
 * @param port One end of a channel; nobody else uses it.
 * @param options See {@linkcode MessagePortTransportOptions}.
 * @returns The transport; it receives from the first `onMessage` on.
 */
export function messagePortTransport(
  port: MessagePort,
  options: MessagePortTransportOptions = {},
): Transport {
  const onClose: (() => void)[] = [];
  let open = true;
  function shut() {
    if (!open) return;
    open = false;
    close(port);
    for (const handler of onClose) handler();
  }
  return {
    send(message) {
      if (open) postMessage(port, message, options.transfer?.(message) ?? []);
    },
    onMessage(handler) {
      listen(port, "message", (event) => {
        if (!open) return;
        const message = dataOf(event);
        if (message === CLOSE) shut();
        else handler(message);
      });
      listen(port, "messageerror", () => shut());
      start(port);
    },
    onClose(handler) {
      onClose.push(handler);
    },
    close() {
      if (open) postMessage(port, CLOSE, []);
      shut();
    },
  };
}
