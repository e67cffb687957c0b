import assert from "node:assert/strict";
import {
  type Caller,
  KvScope,
  ScopeError,
  type Selection,
  v,
} from "../../../mod.ts";
import { checkRead, checkWrite } from "../../../plugins/consensus/kv_scope.ts";

function caller(keys: string[], access?: "read"): Caller<KvScope> {
  return {
    name: "crl",
    scope: v.parse(KvScope, { keys, ...(access ? { access } : {}) }),
    signal: new AbortController().signal,
  };
}

const reads = (keys: string[], selection: Selection) => {
  try {
    checkRead(caller(keys), selection);
    return true;
  } catch (error) {
    assert.ok(error instanceof ScopeError);
    return false;
  }
};

Deno.test("checkRead() lets a prefix end where it says, and a key be one key", () => {
  const table: [keys: string[], selection: Selection, allowed: boolean][] = [
    [["/foo/"], { key: "/foo/a" }, true],
    [["/foo/"], { key: "/foo/" }, true],
    [["/foo/"], { prefix: "/foo/" }, true],
    [["/foo/"], { prefix: "/foo/a" }, true],
    [["/foo/"], { key: "/foo" }, false],
    [["/foo/"], { key: "/foobar" }, false],
    [["/foo/"], { prefix: "/foo" }, false],
    [["/foo/"], { prefix: "/" }, false],
    [["/foo/"], { prefix: "/fo" }, false],
    [["/foo/"], { key: "/Foo/a" }, false],
    [["/foo"], { key: "/foo" }, true],
    [["/foo"], { key: "/foo/" }, false],
    [["/foo"], { key: "/foo/a" }, false],
    [["/foo"], { key: "/foobar" }, false],
    [["/foo"], { prefix: "/foo" }, false],
    [["/a/", "/b"], { key: "/b" }, true],
    [["/a/", "/b"], { key: "/a/b" }, true],
    [["/a/", "/b"], { key: "/b/a" }, false],
    [[""], { prefix: "/" }, true],
    [[""], { key: "anything" }, true],
  ];
  for (const [keys, selection, allowed] of table) {
    assert.equal(
      reads(keys, selection),
      allowed,
      `${keys} ${JSON.stringify(selection)}`,
    );
  }
});

Deno.test("checkRead() refuses all if one is outside, and names the line that would allow it", () => {
  assert.throws(
    () => checkRead(caller(["/a/"]), { key: "/a/b" }, { key: "/b" }),
    {
      name: "ScopeError",
      message:
        'Plugin "crl" may not read key "/b": deno.json would allow it with plugins.crl.uses.kv.scope.keys: ["/b"]',
    },
  );
});

Deno.test("checkWrite() refuses whoever may only read, whatever it is", () => {
  const reader = caller(["/a/"], "read");
  checkRead(reader, { key: "/a/b" });
  for (const selections of [[{ key: "/a/b" }], []]) {
    assert.throws(
      () => checkWrite(reader, ...selections),
      /plugins\.crl\.uses\.kv\.scope\.access: "write"$/,
    );
  }
});
