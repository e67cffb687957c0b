import { Buffer } from "node:buffer";
import { create } from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, credentials } from "@grpc/grpc-js";
import { methodDefinition } from "../../../plugins/curator/grpc/service_definition.ts";
import {
  Curator,
  WatchRequestSchema,
} from "../../../proto/gen/metropolis/node/core/curator/proto/api/api_pb.ts";
import type { AdminClient } from "../../../runtime/admin/client.ts";
import { pem } from "../../../runtime/cli/pem.ts";
import { ca } from "../../../runtime/services/ca.ts";
import { membership } from "../../../runtime/services/membership.ts";

/** Where a member's curator answers. */
export interface CuratorEndpoint {
  readonly id: string;
  readonly address: string;
  readonly port: number;
}

/**
 * Asks a member where the cluster's curators answer.
 *
 * @param client The admin socket of a member.
 */
export async function curatorsOf(
  client: AdminClient,
): Promise<CuratorEndpoint[]> {
  const { nodes } = await client.call(membership, "nodes", {});
  return nodes.flatMap(({ id, addresses: [address], curatorPort: port }) =>
    address === undefined || port === undefined ? [] : [{ id, address, port }]
  );
}

/** An operator's certificate, as TLS takes it. */
export interface Operator {
  readonly serial: string;
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly ca: Buffer;
}

/**
 * Issues a certificate that may watch.
 *
 * @param client The admin socket of a member.
 * @param name The operator.
 */
export async function issueOperator(
  client: AdminClient,
  name: string,
): Promise<Operator> {
  const { serial, privateKey, certificate, authorityCertificate } = await client
    .call(ca, "issue", { authority: "cluster", name, addresses: [] });
  if (privateKey === undefined) throw new Error("There is no private key");
  return {
    serial,
    key: Buffer.from(pem("PRIVATE KEY", privateKey)),
    cert: Buffer.from(pem("CERTIFICATE", certificate)),
    ca: Buffer.from(pem("CERTIFICATE", authorityCertificate)),
  };
}

/** A connection of its own to a curator. */
export class CuratorConnection implements Disposable {
  readonly #client: Client;

  /**
   * @param endpoint The curator.
   * @param operator Who connects.
   */
  constructor({ id, address, port }: CuratorEndpoint, operator: Operator) {
    const { ca, key, cert } = operator;
    this.#client = new Client(
      `ipv4:${address}:${port}`,
      credentials.createSsl(ca, key, cert),
      {
        "grpc.ssl_target_name_override": id,
        "grpc.use_local_subchannel_pool": 1,
      },
    );
  }

  /** Watches all nodes. */
  watch(): WatchStream {
    const { path, requestSerialize } = methodDefinition(Curator.method.watch);
    return new WatchStream(this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      // To read the messages would cost more than to get them.
      (bytes: Buffer) => bytes,
      create(WatchRequestSchema, {
        kind: { case: "nodesInCluster", value: {} },
      }),
    ));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** How a stream ended. */
export interface StreamEnd {
  /** Of the clock of `performance`. */
  readonly at: number;
  /** The status code of gRPC; 0 where it ended in order. */
  readonly code: number;
}

/** An open `Watch`. */
export class WatchStream {
  readonly ended: Promise<StreamEnd>;
  readonly #call: ClientReadableStream<Buffer>;
  readonly #messages: AsyncIterator<Buffer>;

  /** @param call The call. */
  constructor(call: ClientReadableStream<Buffer>) {
    this.#call = call;
    this.ended = new Promise((resolve) => {
      call.on("error", () => {});
      call.on("status", ({ code }) => resolve({ at: performance.now(), code }));
    });
    this.#messages = call[Symbol.asyncIterator]();
  }

  /**
   * Waits for the next message.
   *
   * @returns The message, and when it came, of the clock of `performance`.
   * @throws {Error} If the stream ends.
   */
  async next(): Promise<{ message: Buffer; at: number }> {
    const { value, done } = await this.#messages.next();
    if (done) throw new Error("The stream has ended");
    return { message: value, at: performance.now() };
  }

  /** Ends it. */
  cancel(): void {
    this.#call.cancel();
  }
}
