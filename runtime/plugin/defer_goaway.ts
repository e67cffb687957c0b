import type { EventEmitter } from "node:events";

/** What is used here of a session of `node:http2`. */
interface Session extends EventEmitter {
  close(...args: unknown[]): void;
  destroy(...args: unknown[]): void;
}

let deferred = false;

/**
 * Lets this thread's sessions of HTTP/2, those of gRPC included, survive that their peer ends them in order. To be
 * called before the first one is opened.
 *
 * Deno 2.9.6 tells a session of a GOAWAY frame from inside the library that reads it. The session then closes, is freed
 * if it has no open stream, and the library goes on with freed memory: the process, so the node, aborts with
 * `stream->closed_next == NULL` or a segmentation fault, or does later what that memory says by then
 * (https://github.com/denoland/deno/issues/36788). Any peer can send that frame, a stranger before it has shown who it
 * is as well as etcd when it is told to end. So what follows from a GOAWAY is done only after the frame was read.
 */
export async function deferGoaway(): Promise<void> {
  if (deferred) return;
  deferred = true;
  // Only a plugin that has sessions is to pay for the module: 4 MB. That the class is exported is Deno's own.
  const { prototype } = Reflect.get(await import("node:http2"), "Http2Session");
  const sessions: Session = prototype;
  const { emit } = sessions;
  sessions.emit = function (this: Session, event: string, ...args: unknown[]) {
    if (event !== "goaway") return emit.call(this, event, ...args);
    // The library is still reading, and calls one of these as soon as the listeners have returned.
    const calls: (() => void)[] = [];
    this.close = (...args) => calls.push(() => this.close(...args));
    this.destroy = (...args) => calls.push(() => this.destroy(...args));
    setImmediate(() => {
      Reflect.deleteProperty(this, "close");
      Reflect.deleteProperty(this, "destroy");
      emit.call(this, event, ...args);
      for (const call of calls) call();
    });
    return true;
  };
}
