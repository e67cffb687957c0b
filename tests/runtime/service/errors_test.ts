import assert from "node:assert/strict";
import { ScopeError, ServiceError, ServiceGoneError } from "../../../mod.ts";

Deno.test("ScopeError() names the plugin, what it tried and the line that would allow it", () => {
  const error = new ScopeError(
    "crl",
    'write key "/a"',
    'uses.kv.scope.keys: ["/a"]',
  );
  assert.ok(error instanceof ServiceError);
  assert.equal(error.code, "not-permitted");
  assert.equal(
    String(error),
    'ScopeError: Plugin "crl" may not write key "/a": deno.json would allow it with plugins.crl.uses.kv.scope.keys: ["/a"]',
  );
});

Deno.test("ServiceGoneError() is an unavailable service", () => {
  const error = new ServiceGoneError("kv");
  assert.ok(error instanceof ServiceError);
  assert.equal(error.code, "unavailable");
  assert.equal(error.service, "kv");
});
