import { Buffer } from "node:buffer";
import {
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

/** A response, or one that was encoded already, so that many streams send the same bytes. */
export type Response<T = Message> = T | Encoded;

/** An encoded message. */
export class Encoded {
  /** @param bytes The message as protobuf. */
  constructor(readonly bytes: Uint8Array) {}
}

/**
 * Describes one method for grpc-js.
 *
 * @param method The method as its `.proto` declares it.
 * @returns How it is called and encoded.
 */
export function methodDefinition(
  method: DescMethod,
): MethodDefinition<Message, Response> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" ||
      method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" ||
      method.methodKind === "bidi_streaming",
    requestSerialize: (message) => asBuffer(toBinary(method.input, message)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (message) =>
      asBuffer(
        message instanceof Encoded
          ? message.bytes
          : toBinary(method.output, message),
      ),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

/**
 * Describes a service for grpc-js.
 *
 * @param service The service as its `.proto` declares it.
 * @returns Its methods by the name they have in TypeScript.
 */
export function serviceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((
      method,
    ) => [method.localName, methodDefinition(method)]),
  );
}

/** The same bytes, not a copy: those of 10,000 nodes go to each of 1,000 streams. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
