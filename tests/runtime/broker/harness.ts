import {
  type Client,
  type Implementation,
  type Service,
  stream,
} from "../../../mod.ts";
import { call, defineService, v } from "../../../mod.ts";
import { connect } from "../../../runtime/broker/client.ts";
import { messagePortTransport } from "../../../runtime/broker/message_port_transport.ts";
import { Refusals } from "../../../runtime/broker/refusals.ts";
import {
  type ConnectionUser,
  serve,
  type ServedConnection,
} from "../../../runtime/broker/server.ts";
import type { Transport } from "../../../runtime/broker/transport.ts";

/** A service with one method of each shape that the tests need. */
export const probe = defineService({
  name: "probe",
  scope: v.optional(
    v.strictObject({ keys: v.optional(v.array(v.string()), []) }),
  ),
  methods: {
    echo: call(
      v.strictObject({
        text: v.optional(v.string(), "nothing"),
        bytes: v.optional(v.instance(Uint8Array)),
      }),
      v.object({
        text: v.string(),
        bytes: v.optional(v.instance(Uint8Array)),
      }),
    ),
    /** Answers when the test lets it. */
    wait: call(v.strictObject({}), v.object({})),
    /** As many numbers as asked for, from 1. */
    count: stream(v.strictObject({ to: v.number() }), v.number()),
  },
});

/** An implementation of {@linkcode probe} that answers; a test replaces what it is about. */
export const obliging: Implementation<typeof probe> = {
  echo: (input) => Promise.resolve(input),
  wait: () => Promise.resolve({}),
  async *count({ to }) {
    for (let i = 1; i <= to; i++) yield await Promise.resolve(i);
  },
};

/** Both ends of a connection in one thread. */
export interface Connected<S extends Service> extends Disposable {
  readonly client: Client<S>;
  readonly served: ServedConnection;
  /** What the provider's end has logged. */
  readonly logged: string[];
}

/** The provider's end of a connection, and the other as whoever writes what it likes to it. */
export interface Raw extends Disposable {
  readonly served: ServedConnection;
  readonly transport: Transport;
  /** What the provider's end has logged. */
  readonly logged: string[];
  /** Sends a message, and returns the next that comes back; undefined if the connection closes instead. */
  ask(message: unknown): Promise<unknown>;
}

const anybody: ConnectionUser = { name: "user", scope: undefined };

/** Connects a client to an implementation. */
export function connected<S extends Service>(
  service: S,
  implementation: Implementation<S>,
  user: ConnectionUser = anybody,
): Connected<S> {
  const { port1, port2 } = new MessageChannel();
  const { served, logged } = provider(service, implementation, port1, user);
  const client = connect(service, messagePortTransport(port2));
  return {
    client,
    served,
    logged,
    [Symbol.dispose]: () => served.close(),
  };
}

/** Opens a connection to an implementation for messages that no client sends. */
export function raw<S extends Service>(
  service: S,
  implementation: Implementation<S>,
  user: ConnectionUser = anybody,
): Raw {
  const { port1, port2 } = new MessageChannel();
  const { served, logged } = provider(service, implementation, port1, user);
  const transport = messagePortTransport(port2);
  const waiting: ((message: unknown) => void)[] = [];
  transport.onMessage((message) => waiting.shift()?.(message));
  transport.onClose(() => waiting.shift()?.(undefined));
  return {
    served,
    logged,
    transport,
    ask(message) {
      const answer = new Promise((resolve) => waiting.push(resolve));
      transport.send(message);
      return answer;
    },
    [Symbol.dispose]: () => transport.close(),
  };
}

function provider<S extends Service>(
  service: S,
  implementation: Implementation<S>,
  port: MessagePort,
  user: ConnectionUser,
) {
  const logged: string[] = [];
  const refusals = new Refusals((message) => logged.push(message));
  const transport = messagePortTransport(port);
  return {
    served: serve(service, implementation, transport, { user, refusals }),
    logged,
  };
}
