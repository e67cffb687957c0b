import assert from "node:assert/strict";
import { ServiceError } from "../../../mod.ts";
import { awaitUnique } from "../../../plugins/consensus/await_unique.ts";
import { RecordedLog } from "../curator/client/recorded_log.ts";

type Members = Parameters<typeof awaitUnique>[0]["members"];

/** Waits for an answer. */
function start(
  unique: () => Promise<Record<string, never>>,
  patience?: number,
) {
  const log = new RecordedLog();
  const end = new AbortController();
  // Of the service only what is asked for.
  const client = { unique } as unknown as Awaited<ReturnType<Members>>;
  let over = false;
  const waited = awaitUnique({
    members: () => Promise.resolve(client),
    log,
    signal: end.signal,
    ...patience !== undefined && { patience },
  }).finally(() => over = true);
  return { waited, log, end, isOver: () => over };
}

Deno.test("awaitUnique() waits for the answer, also of what is started again meanwhile", async () => {
  const answer = Promise.withResolvers<Record<string, never>>();
  const asked = Promise.withResolvers<void>();
  let calls = 0;
  const { waited, log, isOver } = start(() => {
    if (++calls === 1) {
      return Promise.reject(new ServiceError("unavailable", "It is gone"));
    }
    asked.resolve();
    return answer.promise;
  });
  await asked.promise;
  assert.equal(isOver(), false);
  answer.resolve({});
  await waited;
  assert.equal(calls, 2);
  assert.deepEqual(log.lines, []);
});

Deno.test("awaitUnique() gives up after a while, and says so", async () => {
  const { waited, log } = start(() => new Promise(() => {}), 1);
  await waited;
  assert.match(log.lines.join(), /^warn Nobody says whether another machine/);
});

Deno.test("awaitUnique() does not wait for what another try would not change, and says so", async () => {
  const { waited, log } = start(() =>
    Promise.reject(new ServiceError("not-permitted", "It is not granted"))
  );
  await waited;
  assert.match(log.lines.join(), /^warn Nobody says whether another machine/);
});

Deno.test("awaitUnique() ends with its plugin", async () => {
  const { waited, log, end } = start(() => new Promise(() => {}));
  end.abort();
  await waited;
  assert.deepEqual(log.lines, []);
});
