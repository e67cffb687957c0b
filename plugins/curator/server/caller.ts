import type { ServerUnaryCall } from "@grpc/grpc-js";
import { Role, v } from "hamlet";
import { normalizeSerial } from "../serial.ts";
import { canonicalAddress } from "./addresses.ts";
import { isNodeId } from "./names.ts";

/** What grpc-js knows of a connection, a type that it does not export. */
export type AuthContext = ReturnType<
  ServerUnaryCall<unknown, unknown>["getAuthContext"]
>;

/** Who calls, as the certificate says it. */
export type Identity =
  | { readonly kind: "anonymous" }
  | {
    readonly kind: "node";
    readonly id: string;
    /** What the certificate says; the cluster may have decided otherwise since. */
    readonly role: Role;
    readonly serial: string;
  }
  | {
    readonly kind: "operator";
    readonly name: string;
    readonly serial: string;
  };

/** Who calls, and from where. */
export type Caller<I extends Identity = Identity> = I & {
  /** The address the call comes from. */
  readonly address: string;
  /** As gRPC names the connection. */
  readonly peer: string;
  /** Aborted when the caller cancels, goes away, or may no longer call. */
  readonly signal: AbortSignal;
};

/** A node that calls. */
export type NodeCaller = Caller<Extract<Identity, { kind: "node" }>>;

/**
 * Reads who calls from what TLS has verified: a certificate is only there if the cluster authority
 * signed it.
 *
 * @param context What grpc-js knows of the connection.
 * @returns The caller; anonymous if it has no certificate, or one that is not as the authority makes them.
 */
export function identify({ sslPeerCertificate }: AuthContext): Identity {
  if (sslPeerCertificate === undefined) return { kind: "anonymous" };
  const { subject, serialNumber } = sslPeerCertificate;
  const { CN, O } = subject;
  // More than one of a kind would be an array.
  if (typeof CN !== "string" || typeof O !== "string") {
    return { kind: "anonymous" };
  }
  const serial = normalizeSerial(serialNumber);
  if (O === "operator") return { kind: "operator", name: CN, serial };
  const role = v.safeParse(Role, O);
  return role.success && isNodeId(CN)
    ? { kind: "node", id: CN, role: role.output, serial }
    : { kind: "anonymous" };
}

/**
 * Takes the address out of a connection's name.
 *
 * @param peer As gRPC names it: address, colon, port.
 * @returns The address, as everybody writes it.
 */
export function addressOf(peer: string): string {
  const address = peer.slice(0, peer.lastIndexOf(":"));
  return canonicalAddress(address) ?? address;
}

/**
 * Names a caller for the log.
 *
 * @param identity Who it is.
 * @param address Where it calls from.
 * @returns Such as `node hamlet-… (192.0.2.1)`.
 */
export function describe(identity: Identity, address: string): string {
  switch (identity.kind) {
    case "anonymous":
      return `somebody without a certificate of this cluster (${address})`;
    case "node":
      return `${identity.role} "${identity.id}" (${address})`;
    case "operator":
      return `operator "${identity.name}" (${address})`;
  }
}
