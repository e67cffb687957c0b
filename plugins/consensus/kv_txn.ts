import { Buffer } from "node:buffer";
import type { ICompare, IPutRequest, IRequestOp, ITxnRequest } from "etcd3";
import type { Compare, kv, Operation, Selection, v } from "hamlet";
import { keyRange } from "./key_range.ts";

/** The input of a transaction. */
export type Txn = v.InferOutput<typeof kv.methods.txn.input>;
/** The input of a write. */
export type Put = v.InferOutput<typeof kv.methods.put.input>;

/** What a transaction would do, whichever branch is taken. */
export interface TxnReach {
  readonly reads: readonly Selection[];
  readonly writes: readonly Selection[];
  readonly puts: readonly Put[];
  /** Bytes of keys and values of the larger branch. */
  readonly bytes: number;
}

/**
 * Tells what a transaction reaches for.
 *
 * @param txn The transaction.
 * @returns Everything in either branch and in its conditions.
 */
export function reachOf(txn: Txn): TxnReach {
  const operations = [...txn.success, ...txn.failure];
  const puts = putsOf(operations);
  return {
    reads: [
      ...txn.compare.map(({ key }) => ({ key })),
      ...operations.flatMap((one) => "range" in one ? [one.range] : []),
    ],
    writes: [
      ...puts,
      ...operations.flatMap((one) => "delete" in one ? [one.delete] : []),
    ],
    puts,
    bytes: Math.max(
      ...[txn.success, txn.failure].map((branch) =>
        putsOf(branch).reduce((sum, put) => sum + sizeOf(put), 0)
      ),
    ),
  };
}

/**
 * Counts what a write stores.
 *
 * @param put The write.
 * @returns The bytes of its key and value.
 */
export function sizeOf(put: Put): number {
  return Buffer.byteLength(put.key) + put.value.length;
}

/**
 * Translates a write for etcd.
 *
 * @param put The write.
 * @returns The same in etcd's names.
 */
export function toPutRequest({ key, value, lease }: Put): IPutRequest {
  const request = { key: Buffer.from(key), value: toBuffer(value) };
  return lease === undefined ? request : { ...request, lease };
}

/**
 * Translates a transaction for etcd.
 *
 * @param txn The transaction.
 * @returns The same in etcd's names.
 */
export function toTxnRequest(txn: Txn): ITxnRequest {
  return {
    compare: txn.compare.map(toCompare),
    success: txn.success.map(toRequest),
    failure: txn.failure.map(toRequest),
  };
}

function putsOf(operations: readonly Operation[]): Put[] {
  return operations.flatMap((one) => "put" in one ? [one.put] : []);
}

function toRequest(operation: Operation): IRequestOp {
  if ("put" in operation) return { request_put: toPutRequest(operation.put) };
  return "delete" in operation
    ? { request_delete_range: keyRange(operation.delete) }
    : { request_range: keyRange(operation.range) };
}

/** The numbers of etcd's .proto; etcd3's names for them would load the library. */
const RESULT = { "=": 0, ">": 1, "<": 2, "!=": 3 } as const;

function toCompare(compare: Compare): ICompare {
  const condition = {
    key: Buffer.from(compare.key),
    result: RESULT[compare.is],
  };
  switch (compare.target) {
    case "version":
      return { ...condition, target: 0, version: compare.than };
    case "create":
      return { ...condition, target: 1, create_revision: compare.than };
    case "mod":
      return { ...condition, target: 2, mod_revision: compare.than };
    case "value":
      return { ...condition, target: 3, value: toBuffer(compare.than) };
  }
}

/** The same memory as a Buffer. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
