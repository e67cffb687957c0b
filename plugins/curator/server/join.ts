import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { BlockList } from "node:net";
import { createHash } from "node:crypto";
import {
  type ca,
  type CallOptions,
  type Client,
  failpoint,
  type Logger,
} from "hamlet";
import {
  type JoinProposal,
  JoinProposalSchema,
  type JoinRequest,
} from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import {
  type NodeRecord,
  NodeRecordSchema,
  Pending,
  Role,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { signedBytes } from "../join_signature.ts";
import { fromRecordRole, toRecordRole } from "../roles.ts";
import { acceptAddresses } from "./addresses.ts";
import type { Caller } from "./caller.ts";
import { certify } from "./certify.ts";
import type { Invitations } from "./invitations.ts";
import { checkName } from "./names.ts";
import { nodeIdOf } from "./node_key.ts";
import { nameTaken, type NodesStore } from "./nodes_store.ts";

/** Options of {@linkcode Joining}. */
export interface JoiningOptions {
  readonly authorities: Client<typeof ca>;
  readonly nodes: NodesStore;
  readonly invitations: Invitations;
  /** Addresses that a node may have although it calls from another. */
  readonly trusted: BlockList;
  readonly log: Logger;
}

/** What a node gets that has joined. */
export interface Joined {
  /** DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  readonly role: Role;
}

/** Makes machines nodes of the cluster. */
export class Joining {
  readonly #options: JoiningOptions;

  /** @param options See {@linkcode JoiningOptions}. */
  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  /**
   * Lets a machine in that shows an invitation. The same key may come again, after a crash on
   * either side: it gets another certificate for the same node.
   *
   * @param request What it sends.
   * @param caller Who it is, as far as that is known.
   * @returns What it needs.
   * @throws {RpcError} With a reason that its operator can act on.
   */
  async join(request: JoinRequest, caller: Caller): Promise<Joined> {
    const { nodes, invitations, log } = this.#options;
    const proposal = readProposal(request);
    const id = nodeIdOf(proposal.publicKey);
    await this.#checkSignature(request, proposal, id, caller);
    for (;;) {
      const { role, resumes, use } = await invitations.accept(
        proposal.invitation,
        request.secret,
        new Uint8Array(proposal.publicKey),
        id,
        caller,
      );
      const there = (await nodes.read(id, caller))?.record;
      if (there) {
        checkSame(there, proposal, toRecordRole(role));
        return await this.renew(there, caller);
      }
      if (resumes) throw wasRemoved(id);
      const name = proposal.name || id;
      checkName(name, id);
      const owner = await nodes.ownerOf(name, caller);
      if (owner !== undefined) throw nameTaken(name, owner);
      const { accepted } = acceptAddresses(proposal.addresses, {
        source: caller.address,
        known: [],
        trusted: this.#options.trusted,
      });
      const record = create(NodeRecordSchema, {
        id,
        name,
        publicKey: proposal.publicKey,
        role: toRecordRole(role),
        joinedAt: timestampNow(),
        invitation: proposal.invitation,
        addresses: [...accepted],
      });
      // Otherwise somebody took the name, or a use of the invitation, in this moment.
      if (!await nodes.add(record, use, caller)) continue;
      failpoint("node added");
      log.info(`Node "${name}" (${id}) has joined as ${role}`, {
        invitation: proposal.invitation,
        address: caller.address,
      });
      return await this.renew(record, caller);
    }
  }

  /**
   * Issues a certificate that says what the cluster knows of a node.
   *
   * @param record The node.
   * @param call To cancel it.
   * @returns The certificate.
   * @throws {RpcError} `removed` if the node is being removed.
   */
  async renew(record: NodeRecord, call: CallOptions): Promise<Joined> {
    const { authorities, nodes } = this.#options;
    const { certificate } = await certify(record, {
      authorities,
      nodes,
      authority: "cluster",
      publicKey: new Uint8Array(record.publicKey),
      role: fromRecordRole(record.role),
      refuse({ id, pending, role }) {
        if (pending === Pending.REMOVAL) throw wasRemoved(id);
        if (role === record.role) return;
        throw new RpcError(
          Code.UNAVAILABLE,
          `Node "${id}" has become a ${fromRecordRole(role)} meanwhile`,
        );
      },
    }, call);
    return { certificate, role: record.role };
  }

  async #checkSignature(
    { proposal: bytes, signature }: JoinRequest,
    proposal: JoinProposal,
    id: string,
    call: CallOptions,
  ): Promise<void> {
    const { certificate } = await this.#options.authorities.authority({
      authority: "cluster",
    }, call);
    const fingerprint = createHash("sha256").update(certificate).digest("hex");
    if (proposal.authorityFingerprint.toHex() !== fingerprint) {
      throw new RpcError(
        Code.PERMISSION_DENIED,
        "The token is of another cluster; print one with hamlet invite on a member of this one",
        "foreign",
      );
    }
    const key = await crypto.subtle.importKey(
      "spki",
      new Uint8Array(proposal.publicKey),
      "Ed25519",
      false,
      ["verify"],
    );
    const signed = await crypto.subtle.verify(
      "Ed25519",
      key,
      new Uint8Array(signature),
      signedBytes(bytes),
    );
    if (signed) return;
    throw new RpcError(
      Code.PERMISSION_DENIED,
      `The request to join as "${id}" is not signed with that node's key`,
      "forged",
    );
  }
}

function readProposal({ proposal }: JoinRequest): JoinProposal {
  try {
    return fromBinary(JoinProposalSchema, proposal);
  } catch (cause) {
    throw new RpcError(
      Code.INVALID_ARGUMENT,
      `Cannot read ${proposal.length} bytes as JoinProposal`,
      undefined,
      { cause },
    );
  }
}

/** A node that is there already comes back: with the same key, as what it is. */
function checkSame(
  record: NodeRecord,
  { publicKey }: JoinProposal,
  role: Role,
): void {
  if (record.pending === Pending.REMOVAL) throw wasRemoved(record.id);
  if (record.pending === Pending.REMOVAL_ASKED) {
    throw new RpcError(
      Code.UNAVAILABLE,
      `Node "${record.id}" is about to be removed from the cluster`,
    );
  }
  // The ID is half of the key.
  if (record.publicKey.toHex() !== publicKey.toHex()) {
    throw new RpcError(
      Code.PERMISSION_DENIED,
      `Node "${record.id}" has another key`,
      "forged",
    );
  }
  if (record.role === role) return;
  throw new RpcError(
    Code.FAILED_PRECONDITION,
    `Node "${record.id}" is a ${
      fromRecordRole(record.role)
    } of this cluster already, and the token is for a ${fromRecordRole(role)}`,
  );
}

function wasRemoved(id: string): RpcError {
  return new RpcError(
    Code.PERMISSION_DENIED,
    `Node "${id}" was removed from the cluster; hamlet reset makes it one that may join again`,
    "removed",
  );
}
