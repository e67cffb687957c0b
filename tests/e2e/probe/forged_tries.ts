import { ca, kv } from "hamlet";
import { type ServiceContext, settled, type Tries } from "./attempt.ts";

/** The ports of the runtime in this thread, which its author did not mean the plugin to have. */
export interface CapturedPorts {
  /** Leads to the host. */
  readonly control: MessagePort;
  /** Leads to the provider of `kv`. */
  readonly kv: MessagePort;
}

/**
 * Takes the runtime's own ports: Deno looks up `dispatchEvent` on the prototype for every message.
 *
 * @param ctx The plugin's context.
 * @returns The ports.
 */
export async function capturePorts(
  ctx: ServiceContext,
): Promise<CapturedPorts> {
  const dispatch = EventTarget.prototype.dispatchEvent;
  const talking = async (
    kind: string,
    makeTalk: () => Promise<unknown>,
  ): Promise<MessagePort> => {
    let port: MessagePort | undefined;
    EventTarget.prototype.dispatchEvent = function (event) {
      const said = event instanceof MessageEvent && Array.isArray(event.data) &&
        event.data[0]?.kind === kind;
      if (said && this instanceof MessagePort) port = this;
      return dispatch.call(this, event);
    };
    try {
      await makeTalk();
    } finally {
      EventTarget.prototype.dispatchEvent = dispatch;
    }
    if (port === undefined) throw new Error("There is no port to be had");
    return port;
  };
  const store = await ctx.use(kv);
  return {
    control: await talking("refused", () => ctx.use(ca).catch(() => {})),
    kv: await talking(
      "value",
      () => store.range({ key: `/${ctx.dn.slice(5)}/a` }),
    ),
  };
}

/** What the probe is told to forge. */
export interface ForgedTargets {
  /** A key of another plugin. */
  readonly key: string;
}

/** Numbers of calls that the client of the runtime never gets to. */
let id = 1e9;

/**
 * Says to the host and to a provider what the runtime would not.
 *
 * @param ctx The plugin's context.
 * @param targets What to forge.
 * @returns The tries.
 */
export function forgedTries(
  ctx: ServiceContext,
  { key }: ForgedTargets,
): Tries {
  const message = async (message: unknown, transfer: Transferable[] = []) => {
    const { kv: port } = await capturePorts(ctx);
    return await answer(port, message, transfer);
  };
  const frame = (frame: unknown, transfer?: Transferable[]) =>
    message([frame], transfer);
  const calling = (method: string, input: unknown, more = {}) =>
    frame({ kind: "call", id: ++id, method, input, ...more });
  const value = new Uint8Array([1]);
  return {
    "call in another name": () =>
      calling("range", { key }, {
        name: "ca",
        user: { name: "ca", scope: { keys: [""] } },
        caller: { name: "ca", scope: { keys: [""] } },
        scope: { keys: [""] },
      }),
    "call of a method of every object": () => calling("constructor", {}),
    "call of __proto__": () => calling("__proto__", {}),
    "call of a method that is not there": () => calling("x".repeat(1e6), {}),
    "call with 100 MB": () =>
      calling("put", { key, value: new Uint8Array(100_000_000) }),
    "call with a text of 100 MB": () =>
      calling("range", { key: "x".repeat(100_000_000) }),
    "two calls of what one may send": () => {
      const own = `/${ctx.dn.slice(5)}/large`;
      const input = { key: own, value: new Uint8Array(1e6) };
      return message([
        { kind: "call", id: ++id, method: "put", input },
        { kind: "call", id: ++id, method: "put", input },
      ]);
    },
    "call with a port": () => {
      const { port1 } = new MessageChannel();
      return frame({ kind: "call", id: ++id, method: "range", input: port1 }, [
        port1,
      ]);
    },
    "call with shared memory out of scope": () =>
      calling("put", {
        key,
        value: new Uint8Array(new SharedArrayBuffer(1024)),
      }),
    "call with a key __proto__": () =>
      calling(
        "range",
        JSON.parse(`{"__proto__": {"key": ${JSON.stringify(key)}}}`),
      ),
    "call without a number": () =>
      frame({ kind: "call", method: "range", input: {} }),
    "call with number 0": () =>
      frame({ kind: "call", id: 0, method: "range", input: {} }),
    "call with number NaN": () =>
      frame({ kind: "call", id: NaN, method: "range", input: {} }),
    "call of no method": () => frame({ kind: "call", id: ++id, input: {} }),
    "frame that is a number": () => frame(42),
    "frame that is a text": () => frame("x".repeat(1e6)),
    "frame that is a list": () => frame([]),
    "frames without end": () => message(Array(2 ** 32 - 1)),
    "more frames than travel together": () =>
      message(Array(257).fill({ kind: "cancel", id: ++id })),
    "frame of another kind": () => frame({ kind: "serve", id: ++id }),
    "frame of a provider": () => frame({ kind: "value", id: ++id, value: [] }),
    "credit without end": async () => {
      const { kv: port } = await capturePorts(ctx);
      const input = { prefix: `/${ctx.dn.slice(5)}/` };
      port.postMessage([{ kind: "call", id: ++id, method: "watch", input }]);
      return await answer(port, [{ kind: "credit", id, items: 1e9 }]);
    },
    "number of a call that runs": async () => {
      const { kv: port } = await capturePorts(ctx);
      const input = { prefix: `/${ctx.dn.slice(5)}/` };
      const call = { kind: "call", id: ++id, method: "watch", input };
      port.postMessage([call]);
      return await answer(port, [call]);
    },
    "use of a service, asked of the host directly": async () => {
      const { control } = await capturePorts(ctx);
      return await settled((resolve, reject) => {
        control.addEventListener("message", ({ data: [told] }) => {
          if (told?.request !== id) return;
          if (told.kind === "refused") reject(new Error(told.message));
          else resolve(told);
        });
        control.postMessage([{ kind: "use", request: ++id, service: "ca" }]);
      });
    },
    "message to the host from no port": () => {
      // Nobody listens; what it says must not take effect, and that it does not is seen from outside.
      Reflect.get(self, "postMessage")({ kind: "provide", service: "ca" });
      throw new Error("Nobody listens");
    },
    "BroadcastChannel to anybody": () =>
      settled((resolve, reject) => {
        const channel = new BroadcastChannel("hamlet");
        channel.onmessage = ({ data }) => resolve(data);
        channel.postMessage("Who is there?");
        setTimeout(() => {
          channel.close();
          reject(new Error("Nobody listens"));
        }, 200);
      }),
    "code of the runtime with changed globals": async () => {
      // What the runtime in this thread looks up late is the plugin's; the provider is another thread.
      const own = Array.prototype.includes;
      const has = Object.hasOwn;
      Array.prototype.includes = () => true;
      Array.prototype.some = () => true;
      Object.hasOwn = () => true;
      String.prototype.startsWith = () => true;
      try {
        return await (await ctx.use(kv)).put({ key, value });
      } finally {
        Array.prototype.includes = own;
        Object.hasOwn = has;
      }
    },
    "an Object.prototype that grants": async () => {
      Object.assign(Object.prototype, {
        keys: [""],
        methods: undefined,
        founder: true,
      });
      try {
        return await (await ctx.use(kv)).range({ key });
      } finally {
        for (const name of ["keys", "methods", "founder"]) {
          Reflect.deleteProperty(Object.prototype, name);
        }
      }
    },
  };
}

/** The answer to the frame of number {@linkcode id}; an error, or the end of the connection, is a refusal. */
async function answer(
  port: MessagePort,
  message: unknown,
  transfer: Transferable[] = [],
): Promise<unknown> {
  return await settled((resolve, reject) => {
    port.addEventListener("message", ({ data }) => {
      if (data === null) return reject(new Error("The connection was closed"));
      for (const told of data) {
        if (told?.id !== id) continue;
        if (told.kind === "error") {
          reject(new Error(`${told.code}: ${told.message}`));
        } else if (told.kind === "value") resolve(told);
      }
    });
    port.postMessage(message, transfer);
  });
}
