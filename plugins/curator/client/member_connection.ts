import { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import { createSecureContext } from "node:tls";
import {
  type ChannelOptions,
  credentials as channelCredentials,
} from "@grpc/grpc-js";
import { Membership } from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import type { Credentials } from "../identity_files.ts";
import { openClient } from "../grpc/open_client.ts";
import { createStub, type Stub } from "../grpc/stub.ts";
import { normalizeSerial } from "../serial.ts";
import type { Endpoint } from "../token.ts";
import type { KnownRevocations } from "./known_revocations.ts";

/** A connection to one member. */
export interface MemberConnection extends Disposable {
  readonly membership: Stub<typeof Membership>;
  /** The serial number of the member's certificate, once it has shown one that is right. */
  serial(): string | undefined;
}

/** Options of {@linkcode connectMember}. */
export interface ConnectMemberOptions {
  /** The cluster authority's certificate, PEM. */
  readonly ca: string;
  /** Who the node is; a node that joins has no certificate yet. */
  readonly self?: { readonly key: string; readonly cert: string } | undefined;
  /** Tells whether a certificate of this serial number was revoked. */
  readonly isRevoked: (serial: string) => boolean;
}

/** Every cluster's nodes in one message: some 100 bytes for each of them. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** A member that is cut off answers nothing, not even that: without these it would be waited for for minutes. */
const KEEPALIVE = {
  "grpc.keepalive_time_ms": 5_000,
  "grpc.keepalive_timeout_ms": 3_000,
};

/**
 * Opens a connection to a member. Nothing is sent before the first call, which fails unless the one at the other end
 * holds an unrevoked certificate of the cluster authority, with the role member and the expected node ID.
 *
 * @param endpoint The member.
 * @param options See {@linkcode ConnectMemberOptions}.
 * @returns The connection.
 */
export function connectMember(
  endpoint: Endpoint,
  { ca, self, isRevoked }: ConnectMemberOptions,
): MemberConnection {
  let verified: string | undefined;
  const { client, close } = openClient(
    targetOf(endpoint),
    channelCredentials.createSsl(
      Buffer.from(ca),
      self ? Buffer.from(self.key) : null,
      self ? Buffer.from(self.cert) : null,
      {
        checkServerIdentity(_host, { subject, serialNumber }) {
          const serial = normalizeSerial(serialNumber);
          const problem = subject.O !== "member"
            ? `its role is "${subject.O}", not "member"`
            : subject.CN !== endpoint.id
            ? `it is node "${subject.CN}"`
            : isRevoked(serial)
            ? "its certificate was revoked"
            : undefined;
          if (problem !== undefined) {
            return new Error(
              `Who answers at ${endpoint.address} is not member "${endpoint.id}": ${problem}`,
            );
          }
          verified = serial;
        },
      },
    ),
    {
      ...KEEPALIVE,
      // TLS of Deno takes no address as a server's name, and certificates of nodes have their ID as one.
      "grpc.ssl_target_name_override": endpoint.id,
      ...CHANNEL,
    },
  );
  return {
    membership: createStub(Membership, client),
    serial: () => verified,
    [Symbol.dispose]: close,
  };
}

/**
 * Opens a connection to a member as one that has a certificate.
 *
 * @param endpoint The member.
 * @param self Whose certificate.
 * @param revocations What is known to be revoked.
 * @returns The connection; see {@linkcode connectMember}.
 */
export function connectAs(
  endpoint: Endpoint,
  self: Credentials,
  revocations: KnownRevocations,
): MemberConnection {
  return connectMember(endpoint, {
    ca: self.ca,
    self,
    isRevoked: (serial) => revocations.isRevoked(serial),
  });
}

/**
 * Asks whoever answers at an endpoint for the cluster authority's certificate. It is worth nothing before it is compared
 * with a fingerprint, and nothing is told to the other side.
 *
 * @param endpoint Whom to ask.
 * @param options How long.
 * @returns DER.
 * @throws {RpcError} If nobody answers.
 */
export async function askAuthority(
  endpoint: Endpoint,
  options: { readonly signal: AbortSignal; readonly timeout: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const { client, close } = openClient(
    targetOf(endpoint),
    channelCredentials.createFromSecureContext(
      // Trusts nobody. Left out, Deno would read the system's authorities, which the plugin is not granted.
      createSecureContext({ ca: [] }),
      { rejectUnauthorized: false },
    ),
    { "grpc.ssl_target_name_override": endpoint.id, ...CHANNEL },
  );
  try {
    const { certificate } = await createStub(Membership, client).authority(
      {},
      options,
    );
    return new Uint8Array(certificate);
  } finally {
    close();
  }
}

const CHANNEL: ChannelOptions = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  // Whom to trust differs from connection to connection.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_http_proxy": 0,
};

function targetOf({ address, port }: Endpoint): string {
  return isIPv6(address)
    ? `ipv6:[${address}]:${port}`
    : `ipv4:${address}:${port}`;
}
