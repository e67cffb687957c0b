import { type Client, type Implementation, kv, type v } from "../../../mod.ts";
import { EtcdLink } from "../../../plugins/consensus/etcd_link.ts";
import {
  createKv,
  type KvOptions,
} from "../../../plugins/consensus/kv_service.ts";
import { connect } from "../../../runtime/broker/client.ts";
import { messagePortTransport } from "../../../runtime/broker/message_port_transport.ts";
import { Refusals } from "../../../runtime/broker/refusals.ts";
import { serve } from "../../../runtime/broker/server.ts";
import type { KvScope } from "../../../runtime/services/kv.ts";
import { run } from "../../support/process.ts";

/** A store that several plugins use, each through the broker's two ends and within its scope. */
export interface ServedKv extends AsyncDisposable {
  /**
   * Connects a plugin.
   *
   * @param keys Its keys, or its whole scope.
   * @param name Its name.
   */
  user(
    keys: readonly string[] | v.InferInput<typeof KvScope>,
    name?: string,
  ): Client<typeof kv>;
}

/** Options of {@linkcode serveKv}. */
export interface ServeKvOptions extends Omit<KvOptions, "link"> {
  /**
   * Milliseconds that a call waits for etcd.
   * @default {5_000}
   */
  readonly deadline?: number;
  /** Puts something before the service. */
  readonly guard?: (
    inner: Implementation<typeof kv>,
  ) => Implementation<typeof kv>;
}

/**
 * Serves the store of an etcd.
 *
 * @param socket Its client socket.
 * @param options See {@linkcode ServeKvOptions}.
 */
export function serveKv(
  socket: string,
  { deadline = 5_000, guard = (inner) => inner, ...options }: ServeKvOptions =
    {},
): ServedKv {
  const cleanup = new AsyncDisposableStack();
  const link = cleanup.use(new EtcdLink(socket, { deadline }));
  void link.connect();
  cleanup.use(keepAlive());
  const implementation = guard(createKv({ link, ...options }));
  return {
    user(keys, name = "test") {
      const { port1, port2 } = new MessageChannel();
      const scope = Array.isArray(keys) ? { keys } : keys;
      const served = serve(kv, implementation, messagePortTransport(port1), {
        user: { name, scope },
        refusals: new Refusals(() => {}),
      });
      cleanup.defer(async () => {
        served.close();
        await served.finished;
      });
      return connect(kv, messagePortTransport(port2));
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** Keeps the program alive: the ports of the broker and the sockets and timers of gRPC do not. */
export function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 60_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Asks an etcd past Hamlet.
 *
 * @param endpoint Where it is.
 * @param args What to ask.
 * @returns What etcdctl prints.
 */
export async function etcdctl(
  endpoint: string,
  ...args: string[]
): Promise<string> {
  const { stdout } = await run("etcdctl", ["--endpoints", endpoint, ...args], {
    env: { ETCDCTL_API: "3" },
  });
  return stdout;
}

/** @returns The bytes of a text. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** @returns The text of bytes. */
export function text(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value);
}
