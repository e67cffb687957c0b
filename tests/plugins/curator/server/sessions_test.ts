import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { Code } from "../../../../plugins/curator/grpc/rpc_error.ts";
import type { NodeCaller } from "../../../../plugins/curator/server/caller.ts";
import type { Store } from "../../../../plugins/curator/server/nodes_store.ts";
import { Sessions } from "../../../../plugins/curator/server/sessions.ts";
import {
  type SessionRecord,
  SessionRecordSchema,
} from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { RecordedLog } from "../client/recorded_log.ts";

const earlier = new Uint8Array(16).fill(1);
const later = new Uint8Array(16).fill(2);
const caller: NodeCaller = {
  kind: "node",
  id: "hamlet-00",
  role: "worker",
  serial: "40",
  address: "192.0.2.1",
  peer: "192.0.2.1:1",
  signal: new AbortController().signal,
};

/** A store of one session that somebody else changes before the first write to it. */
function storeOf(before: SessionRecord, meanwhile: SessionRecord) {
  let session = before;
  let modRevision = 1;
  const store = {
    range: () =>
      Promise.resolve({
        kvs: [{ value: toBinary(SessionRecordSchema, session), modRevision }],
      }),
    txn(
      { success: [{ put: { value } }] }: {
        success: [{ put: { value: Uint8Array } }];
      },
    ) {
      if (modRevision++ === 1) {
        session = meanwhile;
        return Promise.resolve({ succeeded: false });
      }
      session = fromBinary(SessionRecordSchema, value);
      return Promise.resolve({ succeeded: true });
    },
  };
  return {
    // Of the service only what is asked for.
    store: store as unknown as Store,
    session: () => session,
  };
}

Deno.test("Sessions.note() takes no start for a copy since a report of the one before was under way", async () => {
  const { store, session } = storeOf(
    create(SessionRecordSchema, { instance: earlier }),
    create(SessionRecordSchema, { instance: later, superseded: [earlier] }),
  );
  const sessions = new Sessions(store, new RecordedLog());
  await assert.rejects(sessions.note(caller, earlier, {}), {
    code: Code.UNAVAILABLE,
  });
  assert.deepEqual(session().clones, []);
  // Where the earlier one does run, it reports again, and that tells.
  await sessions.note(caller, earlier, {});
  assert.deepEqual(session().clones, [later]);
});
