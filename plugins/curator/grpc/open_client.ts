import type { Socket } from "node:net";
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
} from "@grpc/grpc-js";

/** A client, and how to end all of it. */
export interface OpenClient {
  readonly client: Client;
  /** Ends it, and whatever it has begun; what is left of a connection that stands ends in order. */
  close(): void;
}

/** What is used here of the inside of a channel of grpc-js 1.14; where another has it elsewhere, it is left alone. */
interface Inside {
  readonly subchannelPool?: {
    readonly pool?: Record<string, { subchannel: Subchannel }[]>;
  };
  readonly resolvingLoadBalancer?: {
    readonly childLoadBalancer?: {
      readonly currentChild?: { connectionDelayTimeout?: number } | null;
    };
  };
}

interface Subchannel {
  continueConnecting: boolean;
  startBackoff(): void;
  stopBackoff(): void;
}

/**
 * Makes a client whose end is one. A client of grpc-js that is closed before it is connected goes on: a peer that takes
 * the connection and then says nothing is waited for without end, one that refused is asked again a second later, and
 * who answers then is kept. A node that looks for a member for hours would gather such connections.
 *
 * @param target As gRPC writes it.
 * @param credentials Of this client alone.
 * @param options Of the channel.
 * @returns The client.
 */
export function openClient(
  target: string,
  credentials: ChannelCredentials,
  options: ChannelOptions,
): OpenClient {
  const sockets = new Set<Socket>();
  const createConnector = credentials._createSecureConnector;
  credentials._createSecureConnector = (...args) => {
    const connector = createConnector.apply(credentials, args);
    const connect = connector.connect;
    connector.connect = (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      return connect.call(connector, socket);
    };
    return connector;
  };
  const client = new Client(target, credentials, options);
  return {
    client,
    close() {
      const channel = client.getChannel();
      const connected =
        channel.getConnectivityState(false) === connectivityState.READY;
      stopTrying(Reflect.get(channel, "internalChannel") ?? {});
      client.close();
      if (connected) return;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function stopTrying({ subchannelPool, resolvingLoadBalancer }: Inside): void {
  for (const of of Object.values(subchannelPool?.pool ?? {})) {
    for (const { subchannel } of of) {
      subchannel.continueConnecting = false;
      subchannel.stopBackoff();
      // It may be just about to.
      subchannel.startBackoff = () => {};
    }
  }
  clearTimeout(
    resolvingLoadBalancer?.childLoadBalancer?.currentChild
      ?.connectionDelayTimeout,
  );
}
