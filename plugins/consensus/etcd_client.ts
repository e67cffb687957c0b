import type {
  CallOptions,
  Client,
  Metadata,
  ServiceError as GrpcError,
} from "@grpc/grpc-js";
import type {
  ClusterClient,
  ICallable,
  KVClient,
  LeaseClient,
  MaintenanceClient,
  Services,
  WatchClient,
} from "etcd3";
import { deferGoaway } from "hamlet";
import { EtcdError } from "./etcd_error.ts";

/** Milliseconds that a call may take which says nothing else. */
const DEADLINE = 5_000;

/**
 * A client of one etcd. Calls wait for etcd to be there, until their deadline; they reject with
 * {@linkcode EtcdError}.
 */
export interface EtcdClient extends Disposable {
  readonly kv: KVClient;
  readonly watch: WatchClient;
  readonly lease: LeaseClient;
  readonly cluster: ClusterClient;
  readonly maintenance: MaintenanceClient;
}

/**
 * Loads the client library, which takes a tenth of a second and 50 MB, and makes a client. It
 * connects by itself, and again whenever etcd was away.
 *
 * @param socket The path of etcd's client socket.
 * @returns The client.
 */
export async function connectEtcd(
  socket: string,
): Promise<EtcdClient> {
  const [etcd3, grpc] = await Promise.all([
    import("etcd3"),
    import("@grpc/grpc-js"),
    // etcd ends its connections in order when it is told to end, and that is when this one is idle.
    deferGoaway(),
  ]);

  /** etcd3's messages and channels, without its pool's way to call: see {@linkcode Calls}. */
  class Channels extends etcd3.Etcd3 {
    of(service: ServiceName): Promise<Client> {
      return this.pool.withConnection(service, ({ client }) => client);
    }
  }
  const channels = new Channels({
    hosts: `unix:${socket}`,
    grpcOptions: {
      // By default gRPC looks for a lost server up to two minutes apart. This one is a local file.
      "grpc.initial_reconnect_backoff_ms": 20,
      "grpc.max_reconnect_backoff_ms": 200,
      // A range answers in one message; by default 4 MB would be the most.
      "grpc.max_receive_message_length": -1,
    },
  });
  const calls = new Calls(
    (service) => channels.of(service),
    new grpc.Metadata({ waitForReady: true }),
  );
  return {
    kv: new etcd3.KVClient(calls),
    watch: new etcd3.WatchClient(calls),
    lease: new etcd3.LeaseClient(calls),
    cluster: new etcd3.ClusterClient(calls),
    maintenance: new etcd3.MaintenanceClient(calls),
    [Symbol.dispose]: () => channels.close(),
  };
}

type ServiceName = keyof typeof Services;

/**
 * Sends calls as gRPC does by itself: queued until there is a connection, and never sent twice.
 * etcd3's own pool repeats a call that failed, although etcd may have applied it, refuses calls for
 * 5 s after three failures, and on each failure closes the channel under all other calls.
 */
class Calls implements ICallable<unknown> {
  readonly callOptionsFactory = undefined;
  readonly #channel: (service: ServiceName) => Promise<Client>;
  readonly #metadata: Metadata;

  constructor(
    channel: (service: ServiceName) => Promise<Client>,
    metadata: Metadata,
  ) {
    this.#channel = channel;
    this.#metadata = metadata;
  }

  async exec<T>(
    service: ServiceName,
    method: string,
    parameters: unknown,
    options: CallOptions = {},
  ): Promise<T> {
    const client = await this.#channel(service);
    // The stubs are made from the .proto at run time, so that their types know none of the methods.
    const rpc: unknown = Reflect.get(client, method);
    if (typeof rpc !== "function") {
      throw new TypeError(`Cannot call "${service}.${method}": no such method`);
    }
    return await new Promise<T>((resolve, reject) => {
      rpc.call(
        client,
        parameters,
        this.#metadata,
        { deadline: Date.now() + DEADLINE, ...options },
        (error: GrpcError | null, answer: T) =>
          error ? reject(new EtcdError(error)) : resolve(answer),
      );
    });
  }

  async withConnection<R>(
    service: ServiceName,
    open: (
      connection: { resource: unknown; client: Client; metadata: Metadata },
    ) => Promise<R> | R,
  ): Promise<R> {
    const client = await this.#channel(service);
    return await open({
      resource: undefined,
      client,
      metadata: this.#metadata,
    });
  }

  /** A stream that failed says nothing about the channel: gRPC connects again by itself. */
  markFailed(): void {}
}
