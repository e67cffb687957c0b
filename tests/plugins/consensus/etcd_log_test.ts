import assert from "node:assert/strict";
import {
  explainFailure,
  parseEtcdLine,
  saysDamaged,
  saysEmpty,
  saysRemoved,
} from "../../../plugins/consensus/etcd_log.ts";

Deno.test("parseEtcdLine() gives each line its own level", () => {
  const levels = [
    ["debug", "debug"],
    ["info", "info"],
    ["warn", "warning"],
    ["error", "error"],
    ["dpanic", "error"],
    ["panic", "error"],
    ["fatal", "error"],
  ];
  for (const [zap, level] of levels) {
    const text = JSON.stringify({ level: zap, ts: "2026", msg: "said" });
    assert.deepEqual(parseEtcdLine(text), {
      level,
      message: "said",
      properties: {},
    });
  }
});

Deno.test("parseEtcdLine() warns nobody of what is as it should be", () => {
  for (
    const [msg, level] of [
      ["simple token is not cryptographically signed", "debug"],
      [
        "serving client traffic insecurely; this is strongly discouraged!",
        "debug",
      ],
      ["rejected connection", "info"],
    ]
  ) {
    const line = parseEtcdLine(JSON.stringify({ level: "warn", msg }));
    assert.equal(line.level, level);
  }
});

Deno.test("parseEtcdLine() keeps what a line says beside its message, without the stack", () => {
  const line = parseEtcdLine(
    '{"level":"warn","ts":"2026-11-21T21:31:49.566Z","caller":"etcdmain/etcd.go:176","msg":"failed","error":"why","stacktrace":"x\\n\\ty"}',
  );
  assert.deepEqual(line, {
    level: "warning",
    message: "failed",
    properties: { caller: "etcdmain/etcd.go:176", error: "why" },
  });
});

Deno.test("parseEtcdLine() keeps a line that is not etcd's JSON as it is", () => {
  for (
    const text of [
      "",
      "{",
      "null",
      "7",
      "[]",
      '{"level":"loud","msg":"said"}',
      '{"level":"info"}',
      "2026-11-21 21:31:49.592342 W | pkg/fileutil: check file permission",
      "goroutine 1 [running]:",
    ]
  ) assert.deepEqual(parseEtcdLine(text), { level: "info", message: text });
});

Deno.test("parseEtcdLine() takes a panic of the program for an error", () => {
  const text = "panic: cannot use none as id";
  assert.deepEqual(parseEtcdLine(text), { level: "error", message: text });
});

Deno.test("saysRemoved() recognizes that the cluster has removed this member", () => {
  const line = parseEtcdLine(
    '{"level":"warn","msg":"server error","error":"the member has been permanently removed from the cluster"}',
  );
  assert.ok(saysRemoved(line));
  assert.ok(!saysRemoved(parseEtcdLine('{"level":"warn","msg":"removed"}')));
});

Deno.test("saysEmpty() tells a log without entries from others", () => {
  const found = (last: string) =>
    `{"level":"info","msg":"newRaft 93f15a852f89e2d2 [peers: [], term: 0, commit: 0, applied: 0, ${last}]"}`;
  assert.ok(saysEmpty(parseEtcdLine(found("lastindex: 0, lastterm: 0"))));
  assert.ok(!saysEmpty(parseEtcdLine(found("lastindex: 10, lastterm: 2"))));
});

Deno.test("saysDamaged() recognizes data that etcd cannot read, or not go on with", () => {
  for (
    const [line, damaged] of [
      ['{"level":"fatal","msg":"failed","error":"walpb: crc mismatch"}', true],
      ["panic: tocommit(64) is out of range [lastIndex(62)]. Was the", true],
      ['{"level":"fatal","msg":"listen","error":"address in use"}', false],
    ] as const
  ) assert.equal(saysDamaged(parseEtcdLine(line)), damaged, line);
});

Deno.test("explainFailure() says what is wrong and what to do", () => {
  const context = { peerPort: 7834, listen: "10.0.0.9", data: "/d/etcd/data" };
  const explain = (msg: string, error?: string) =>
    explainFailure(
      parseEtcdLine(JSON.stringify({ level: "fatal", msg, error })),
      context,
    );
  assert.equal(
    explain(
      "discovery failed",
      "listen tcp 10.0.0.9:7834: bind: address already in use",
    ),
    "port 7834 is in use by another program: choose another with --peer-port",
  );
  assert.equal(
    explain(
      "x",
      "listen tcp 10.0.0.9:7834: bind: cannot assign requested address",
    ),
    '"10.0.0.9" is no address of this machine: choose another with --listen',
  );
  assert.match(
    explain("x", "write wal: no space left on device"),
    /^the disk that holds "\/d\/etcd\/data" is full: make room$/,
  );
  assert.match(
    explain("failed to open database", "invalid database"),
    /^its data in "\/d\/etcd\/data" is damaged \(failed to open database: invalid database\): /,
  );
  for (
    const error of [
      "wal: max entry size limit exceeded",
      "walpb: crc mismatch",
      "read /d/etcd/data/member/wal/0.wal: is a directory",
    ]
  ) {
    assert.match(explain("discovery failed", error), / is damaged \(discovery/);
  }
  assert.match(
    explain(
      "tocommit(64) is out of range [lastIndex(62)]. Was the raft log corrupted, truncated, or lost?",
    ),
    /^its data in "\/d\/etcd\/data" lacks what this member has acknowledged \(tocommit.*hamlet remove/,
  );
  assert.equal(explain("something new"), "something new");
  assert.equal(explain("something", "new"), "something: new");
});

Deno.test("explainFailure() says which etcd the data is of, where an older one refuses it", () => {
  const line = parseEtcdLine(JSON.stringify({
    level: "fatal",
    msg:
      "invalid downgrade; server version is lower than determined cluster version",
    "current-server-version": "3.4.23",
    "determined-cluster-version": "3.5",
  }));
  assert.match(
    explainFailure(line, {
      peerPort: 7834,
      listen: "10.0.0.9",
      data: "/d/etcd/data",
    }),
    /^its data in "\/d\/etcd\/data" is at etcd 3\.5, and etcd does not go back: start the Hamlet that ran here last/,
  );
});
