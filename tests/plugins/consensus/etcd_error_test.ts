import assert from "node:assert/strict";
import { toEtcdError } from "../../../plugins/consensus/etcd_error.ts";

function said(code: number, details: string): string {
  const failure = Object.assign(new Error(), { code, details });
  const error = toEtcdError(failure);
  assert.ok(error instanceof Error);
  assert.equal(error.cause, failure);
  return error.message;
}

Deno.test("toEtcdError() says in the same words that time is over, whoever has noticed it", () => {
  for (
    const [code, details] of [
      [4, "Deadline exceeded after 0.021s,name resolution: 0.001s"],
      [4, "context deadline exceeded"],
      [2, "context deadline exceeded"],
    ] as const
  ) {
    assert.equal(
      said(code, details),
      "etcd does not answer in time: see `hamlet status` for its members",
    );
  }
});

Deno.test("toEtcdError() says what etcd said", () => {
  assert.equal(
    said(4, "etcdserver: mvcc: database space exceeded"),
    "etcd refuses: database space exceeded",
  );
  assert.equal(
    said(14, "No connection established"),
    "etcd does not answer: No connection established",
  );
});
