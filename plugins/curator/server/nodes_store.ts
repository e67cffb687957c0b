import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  type KeyValue,
  type kv,
  type v,
} from "hamlet";
import {
  type NodeRecord,
  NodeRecordSchema,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";

/** Where the cluster keeps what the curator knows. */
export type Store = Client<typeof kv>;
/** What a transaction asks for. */
export type Txn = v.InferInput<typeof kv.methods.txn.input>;

/** Where the records of nodes are. */
export const NODES = "/nodes/";
const NAMES = "/names/";

const nodeKey = (id: string) => NODES + id;
const nameKey = (name: string) => NAMES + name;

/** A record, and when it was written. */
export interface Stored<T> {
  readonly record: T;
  readonly modRevision: number;
}

/** The records of nodes in etcd, each with its claim of a name. */
export class NodesStore {
  readonly #store: Store;

  /** @param store The store. */
  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Reads a node.
   *
   * @param id Its node ID.
   * @param options To cancel it.
   * @returns The record, or undefined where there is none.
   */
  async read(
    id: string,
    options: CallOptions,
  ): Promise<Stored<NodeRecord> | undefined> {
    const { kvs: [kv] } = await this.#store.range(
      { key: nodeKey(id) },
      options,
    );
    return kv && { record: decodeNode(kv), modRevision: kv.modRevision };
  }

  /**
   * Reads every node, by ID.
   *
   * @param options To cancel it.
   */
  async all(options: CallOptions): Promise<NodeRecord[]> {
    const { kvs } = await this.#store.range({ prefix: NODES }, options);
    return kvs.map(decodeNode);
  }

  /**
   * Finds a node by what a person calls it.
   *
   * @param node Its ID or name.
   * @param options To cancel it.
   * @returns The record, or undefined where nobody is called so.
   */
  async find(
    node: string,
    options: CallOptions,
  ): Promise<Stored<NodeRecord> | undefined> {
    const byId = await this.read(node, options);
    if (byId) return byId;
    const id = await this.ownerOf(node, options);
    return id === undefined ? undefined : await this.read(id, options);
  }

  /**
   * Tells who claims a name.
   *
   * @param name The name.
   * @param options To cancel it.
   * @returns The node ID, or undefined.
   */
  async ownerOf(
    name: string,
    options: CallOptions,
  ): Promise<string | undefined> {
    const { kvs: [claim] } = await this.#store.range(
      { key: nameKey(name) },
      options,
    );
    return claim && new TextDecoder().decode(claim.value);
  }

  /**
   * Adds a node and claims its name, in one transaction.
   *
   * @param record The node.
   * @param more What has to hold, and what is written, together with it.
   * @param options To cancel it.
   * @returns Whether it was; if not, something of it is there or does not hold.
   */
  async add(
    record: NodeRecord,
    more: Txn,
    options: CallOptions,
  ): Promise<boolean> {
    const { succeeded } = await this.#store.txn({
      compare: [
        { key: nodeKey(record.id), target: "create", is: "=", than: 0 },
        { key: nameKey(record.name), target: "create", is: "=", than: 0 },
        ...more.compare ?? [],
      ],
      success: [
        { put: { key: nodeKey(record.id), value: encodeNode(record) } },
        { put: { key: nameKey(record.name), value: encode(record.id) } },
        ...more.success ?? [],
      ],
    }, options);
    return succeeded;
  }

  /**
   * Changes a node: what this version does not know of it stays. Where another changed it meanwhile,
   * starts again with that.
   *
   * @param id Its node ID.
   * @param change Changes the record; returns false where nothing is to be written.
   * @param options To cancel it.
   * @returns The record as it is then.
   * @throws {RpcError} `NOT_FOUND`, or `name-taken`.
   */
  async update(
    id: string,
    change: (record: NodeRecord) => boolean,
    options: CallOptions,
  ): Promise<NodeRecord> {
    for (;;) {
      const stored = await this.read(id, options);
      if (!stored) throw unknownNode(id);
      const { record, modRevision } = stored;
      const before = record.name;
      if (!change(record)) return record;
      const renamed = record.name !== before;
      const { succeeded } = await this.#store.txn({
        compare: [
          { key: nodeKey(id), target: "mod", is: "=", than: modRevision },
          ...renamed
            ? [{
              key: nameKey(record.name),
              target: "create" as const,
              is: "=" as const,
              than: 0,
            }]
            : [],
        ],
        success: [
          { put: { key: nodeKey(id), value: encodeNode(record) } },
          ...renamed
            ? [
              { delete: { key: nameKey(before) } },
              { put: { key: nameKey(record.name), value: encode(id) } },
            ]
            : [],
        ],
      }, options);
      if (succeeded) return record;
      if (!renamed) continue;
      const owner = await this.ownerOf(record.name, options);
      if (owner !== undefined) throw nameTaken(record.name, owner);
    }
  }

  /**
   * Deletes a node and frees its name; one that is gone already is fine.
   *
   * @param id Its node ID.
   * @param name Its name.
   * @param options To cancel it.
   */
  async remove(id: string, name: string, options: CallOptions): Promise<void> {
    await this.#store.txn({
      // Another node may have the name by now, if this is not the first try.
      compare: [
        { key: nameKey(name), target: "value", is: "=", than: encode(id) },
      ],
      success: [
        { delete: { key: nodeKey(id) } },
        { delete: { key: nameKey(name) } },
      ],
      failure: [{ delete: { key: nodeKey(id) } }],
    }, options);
  }

  /**
   * Follows every node: first a snapshot, then changes.
   *
   * @param options To end it.
   */
  watch(options: CallOptions): ReturnType<Store["watch"]> {
    return this.#store.watch({ prefix: NODES }, options);
  }
}

/**
 * Reads a record as etcd has it.
 *
 * @param kv The key and its value.
 * @returns The record.
 */
export function decodeNode({ value }: Pick<KeyValue, "value">): NodeRecord {
  return fromBinary(NodeRecordSchema, value);
}

function encodeNode(record: NodeRecord): Uint8Array<ArrayBuffer> {
  return toBinary(NodeRecordSchema, record);
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * @param name The name that somebody asked for.
 * @param owner The node that has it.
 */
export function nameTaken(name: string, owner: string): RpcError {
  return new RpcError(
    Code.ALREADY_EXISTS,
    `Name "${name}" is taken by node "${owner}"; choose another with --name, or remove that node`,
    "name-taken",
  );
}

/** @param node What was asked for. */
export function unknownNode(node: string): RpcError {
  return new RpcError(
    Code.NOT_FOUND,
    `No node of this cluster has the ID or name "${node}"`,
  );
}
