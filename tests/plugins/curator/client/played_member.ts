import {
  create,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  Metadata,
  type sendUnaryData,
  Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { deferGoaway } from "../../../../mod.ts";
import {
  REASON_KEY,
  RpcError,
} from "../../../../plugins/curator/grpc/rpc_error.ts";
import { serviceDefinition } from "../../../../plugins/curator/grpc/service_definition.ts";
import { Connections } from "../../../../plugins/curator/server/connections.ts";
import { TlsCredentials } from "../../../../plugins/curator/server/tls_credentials.ts";
import type { Endpoint } from "../../../../plugins/curator/token.ts";
import { Membership } from "../../../../proto/gen/hamlet/cluster/v1/membership_pb.ts";
import type { TestNode } from "./authority.ts";

// As the plugin does: clients end their connections in order here.
await deferGoaway();

type Methods = typeof Membership["method"];

/** What a member answers; what is left out is not implemented. */
export type Part = {
  [N in keyof Methods]?: Methods[N] extends { methodKind: "unary" } ? (
      request: MessageShape<Methods[N]["input"]>,
      caller: { readonly certificate: boolean },
    ) =>
      | MessageInitShape<Methods[N]["output"]>
      | Promise<MessageInitShape<Methods[N]["output"]>>
    : (
      signal: AbortSignal,
    ) => AsyncIterable<MessageInitShape<Methods[N]["output"]>>;
};

/** A server over real TLS that says what a test wants, also what no member would say. */
export class PlayedMember implements AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly #server: Server;
  readonly #connections: Connections;

  private constructor(
    server: Server,
    connections: Connections,
    endpoint: Endpoint,
  ) {
    this.#server = server;
    this.#connections = connections;
    this.endpoint = endpoint;
  }

  /**
   * Starts one on a free port.
   *
   * @param node Whose certificate it shows.
   * @param part What it answers.
   * @param port A port it had before. @default a free one
   * @param address Where it listens.
   */
  static async start(
    { identity, credentials }: Pick<TestNode, "identity" | "credentials">,
    part: Part,
    port = 0,
    address = "127.0.0.1",
  ): Promise<PlayedMember> {
    const server = new Server();
    const implementation: UntypedServiceImplementation = {};
    for (const method of Membership.methods) {
      // By name: `Part` has the types.
      const answer = part[method.localName as keyof Part] as
        | ((request: Message | AbortSignal, caller?: unknown) => unknown)
        | undefined;
      if (answer === undefined) continue;
      implementation[method.localName] = method.methodKind === "unary"
        ? async (
          call: ServerUnaryCall<Message, Message>,
          done: sendUnaryData<Message>,
        ) => {
          try {
            const certificate =
              call.getAuthContext().sslPeerCertificate !== undefined;
            const fields = await answer(call.request, { certificate });
            done(null, create(method.output, fields as never));
          } catch (error) {
            done(toStatus(error), null);
          }
        }
        : async (call: ServerWritableStream<Message, Message>) => {
          const canceled = new AbortController();
          call.on("cancelled", () => canceled.abort());
          try {
            const items = answer(canceled.signal) as AsyncIterable<never>;
            for await (const fields of items) {
              call.write(create(method.output, fields));
            }
            call.end();
          } catch (error) {
            call.emit("error", toStatus(error));
          }
        };
    }
    server.addService(serviceDefinition(Membership), implementation);
    const injector = server.createConnectionInjector(
      new TlsCredentials(credentials),
    );
    const connections = new Connections({
      serve: (socket) => injector.injectConnection(socket),
      turnedAway: () => {},
    });
    const bound = await connections.listen(address, port);
    return new PlayedMember(server, connections, {
      id: identity.id,
      address,
      port: bound,
    });
  }

  /** Ends all its connections at once, as a member that is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections.close();
    this.#server.forceShutdown();
  }
}

function toStatus(error: unknown) {
  const metadata = new Metadata();
  const { code, message, reason } = error instanceof RpcError
    ? error
    : new RpcError(13, String(error));
  if (reason) metadata.set(REASON_KEY, reason);
  return Object.assign(new Error(message), {
    code,
    details: message,
    metadata,
  });
}
