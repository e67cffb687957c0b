import type { IKeyValue } from "etcd3";
import type { KeyValue } from "hamlet";

const utf8 = new TextDecoder();

/**
 * Translates what etcd says of a key.
 *
 * @param kv In etcd's names, its integers as strings.
 * @returns The same, with a value that shares no memory: a message between threads copies whole
 * buffers, and etcd3's are windows on the message that they came in.
 */
export function toKeyValue(kv: IKeyValue): KeyValue {
  return {
    key: utf8.decode(kv.key),
    value: new Uint8Array(kv.value),
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
    version: Number(kv.version),
  };
}
