import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Code } from "../../../../plugins/curator/grpc/rpc_error.ts";
import type { NodeCaller } from "../../../../plugins/curator/server/caller.ts";
import type { Store } from "../../../../plugins/curator/server/nodes_store.ts";
import { Sessions } from "../../../../plugins/curator/server/sessions.ts";
import {
  type SessionRecord,
  SessionRecordSchema,
} from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import { RecordedLog } from "../client/recorded_log.ts";
import { startMember } from "./harness.ts";

const earlier = new Uint8Array(16).fill(1);
const later = new Uint8Array(16).fill(2);
const self = { id: "hamlet-01", instance: new Uint8Array(16).fill(9) };
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
  const sessions = new Sessions({ store, self, log: new RecordedLog() });
  await assert.rejects(sessions.note(caller, earlier, {}), {
    code: Code.UNAVAILABLE,
  });
  assert.deepEqual(session().clones, []);
  // Where the earlier one does run, it reports again, and that tells.
  await sessions.note(caller, earlier, {});
  assert.deepEqual(session().clones, [later]);
});

Deno.test("Sessions.note() writes nothing of a node that is alone and says nothing new", async () => {
  await using member = await startMember();
  let alone = true;
  const sessions = new Sessions({
    store: member.kv,
    self,
    log: member.log,
    alone: () => alone,
  });
  const end = new AbortController();
  const following = sessions.follow(end).catch(() => {});
  const written = async () => {
    const { kvs } = await member.kv.range({ key: `/sessions/${caller.id}` });
    return kvs[0]?.version;
  };
  await sessions.note(caller, earlier, {});
  await sessions.until(caller.id, 0, () => true, end);
  while (sessions.last(caller.id) === undefined) await delay(5);
  await delay(20);
  const { ago: quiet = NaN } = sessions.last(caller.id) ?? {};

  await sessions.note(caller, earlier, {});
  // It counts as heard all the same.
  const { ago = Infinity } = sessions.last(caller.id) ?? {};
  assert(ago < quiet, `${ago} ms`);
  assert.equal(await written(), 1);
  await sessions.note({ ...caller, address: "192.0.2.2" }, earlier, {});
  assert.equal(await written(), 2);
  await sessions.note(caller, later, {});
  assert.equal(await written(), 3);
  alone = false;
  await sessions.note(caller, later, {});
  assert.equal(await written(), 4);
  end.abort();
  await following;
});
