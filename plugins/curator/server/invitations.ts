import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createHash, timingSafeEqual } from "node:crypto";
import type { CallOptions, Invitation, Role } from "hamlet";
import {
  type InvitationRecord,
  InvitationRecord_UseSchema,
  InvitationRecordSchema,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { fromRecordRole, toRecordRole } from "../roles.ts";
import type { Store, Stored, Txn } from "./nodes_store.ts";

const INVITES = "/invites/";
/** How long after its end an invitation can still be told apart from one that never was, in milliseconds. */
const REMEMBER_MS = 7 * 86_400_000;

/** What is asked of an invitation. */
export interface InviteOptions {
  readonly role: Role;
  /** Seconds. */
  readonly ttl: number;
  /** How many nodes may join with it. */
  readonly uses: number;
}

/** The invitations in etcd, which holds of each secret a hash alone. */
export class Invitations {
  readonly #store: Store;

  /** @param store The store. */
  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Makes an invitation.
   *
   * @param options See {@linkcode InviteOptions}.
   * @param call To cancel it.
   * @returns The invitation, and the secret, which is in no other place.
   */
  async make(
    { role, ttl, uses }: InviteOptions,
    call: CallOptions,
  ): Promise<{ invitation: Invitation; secret: Uint8Array<ArrayBuffer> }> {
    await this.#forgetOld(call);
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const record = create(InvitationRecordSchema, {
      id: crypto.getRandomValues(new Uint8Array(6)).toHex(),
      role: toRecordRole(role),
      secretHash: hash(secret),
      expiresAt: timestampFromMs(Date.now() + ttl * 1000),
      uses,
    });
    await this.#store.put(
      { key: INVITES + record.id, value: encode(record) },
      call,
    );
    return { invitation: toInvitation(record), secret };
  }

  /**
   * Lists the invitations that may still be used.
   *
   * @param call To cancel it.
   * @returns The invitations; the first to expire first.
   */
  async usable(call: CallOptions): Promise<Invitation[]> {
    const records = await this.#all(call);
    return records
      .filter((record) =>
        !record.revoked && !hasExpired(record) &&
        record.usedBy.length < record.uses
      )
      .map(toInvitation)
      .sort((a, b) => a.expiresAt < b.expiresAt ? -1 : 1);
  }

  /**
   * Makes an invitation useless; who has joined with it stays.
   *
   * @param id Its ID.
   * @param call To cancel it.
   * @throws {RpcError} `NOT_FOUND`
   */
  async revoke(id: string, call: CallOptions): Promise<void> {
    for (;;) {
      const stored = await this.#read(id, call);
      if (!stored) {
        throw new RpcError(Code.NOT_FOUND, `There is no invitation "${id}"`);
      }
      if (stored.record.revoked) return;
      stored.record.revoked = true;
      const { succeeded } = await this.#store.txn(replace(stored), call);
      if (succeeded) return;
    }
  }

  /**
   * Looks at what a machine shows.
   *
   * @param id The invitation.
   * @param secret Its secret.
   * @param publicKey The key of the machine.
   * @param nodeId The node ID of that key.
   * @param call To cancel it.
   * @returns The role, whether the key has used it before, and what a transaction has to do so that it has.
   * @throws {RpcError} `forged`, `expired` or `used`
   */
  async accept(
    id: string,
    secret: Uint8Array,
    publicKey: Uint8Array<ArrayBuffer>,
    nodeId: string,
    call: CallOptions,
  ): Promise<{ role: Role; resumes: boolean; use: Txn }> {
    const stored = await this.#read(id, call);
    if (!stored || !timingSafeEqual(hash(secret), stored.record.secretHash)) {
      throw new RpcError(
        Code.PERMISSION_DENIED,
        `The token is not one of this cluster's: its invitation "${id}" ${
          stored ? "has another secret" : "is not known here"
        }; print one with hamlet invite`,
        "forged",
      );
    }
    const { record } = stored;
    const role = fromRecordRole(record.role);
    const resumes = record.usedBy.some((use) =>
      timingSafeEqual(hash(use.publicKey), hash(publicKey))
    );
    if (resumes) return { role, resumes, use: {} };
    if (record.revoked) {
      throw new RpcError(
        Code.PERMISSION_DENIED,
        `The token's invitation "${id}" was revoked; print another with hamlet invite`,
        "forged",
      );
    }
    if (hasExpired(record)) {
      throw new RpcError(
        Code.PERMISSION_DENIED,
        `The token has expired at ${
          toInvitation(record).expiresAt
        }; print another with hamlet invite`,
        "expired",
      );
    }
    if (record.usedBy.length >= record.uses) {
      throw new RpcError(
        Code.PERMISSION_DENIED,
        `The token was used, by node ${
          record.usedBy.map((use) => `"${use.nodeId}"`).join(", ")
        }; print another with hamlet invite`,
        "used",
      );
    }
    record.usedBy.push(
      create(InvitationRecord_UseSchema, {
        publicKey,
        nodeId,
      }),
    );
    return { role, resumes, use: replace(stored) };
  }

  async #read(
    id: string,
    call: CallOptions,
  ): Promise<Stored<InvitationRecord> | undefined> {
    const { kvs: [kv] } = await this.#store.range({ key: INVITES + id }, call);
    return kv && {
      record: fromBinary(InvitationRecordSchema, kv.value),
      modRevision: kv.modRevision,
    };
  }

  async #all(call: CallOptions): Promise<InvitationRecord[]> {
    const { kvs } = await this.#store.range({ prefix: INVITES }, call);
    return kvs.map(({ value }) => fromBinary(InvitationRecordSchema, value));
  }

  async #forgetOld(call: CallOptions): Promise<void> {
    for (const record of await this.#all(call)) {
      if (expiry(record) + REMEMBER_MS > Date.now()) continue;
      await this.#store.delete({ key: INVITES + record.id }, call);
    }
  }
}

/** What writes an invitation in place of the one that was read. */
function replace({ record, modRevision }: Stored<InvitationRecord>): Txn {
  const key = INVITES + record.id;
  return {
    compare: [{ key, target: "mod", is: "=", than: modRevision }],
    success: [{ put: { key, value: encode(record) } }],
  };
}

function expiry({ expiresAt }: InvitationRecord): number {
  return expiresAt ? timestampDate(expiresAt).getTime() : 0;
}

function hasExpired(record: InvitationRecord): boolean {
  return expiry(record) <= Date.now();
}

function toInvitation(record: InvitationRecord): Invitation {
  return {
    id: record.id,
    role: fromRecordRole(record.role),
    expiresAt: new Date(expiry(record)).toISOString(),
    usesLeft: record.uses - record.usedBy.length,
    usedBy: record.usedBy.map(({ nodeId }) => nodeId),
  };
}

function encode(record: InvitationRecord): Uint8Array<ArrayBuffer> {
  return toBinary(InvitationRecordSchema, record);
}

function hash(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
