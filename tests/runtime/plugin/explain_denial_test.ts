import assert from "node:assert/strict";
import { ServiceError } from "../../../mod.ts";
import { explainDenial } from "../../../runtime/plugin/explain_denial.ts";

for (
  const [denied, explained] of [
    [
      'Requires read access to "/etc/shadow", run again with the --allow-read flag',
      'Plugin "a" may not read "/etc/shadow": deno.json would allow it with plugins.a.permissions.read: ["/etc/shadow"]',
    ],
    [
      'Requires net access to "10.0.0.1:80", run again with the --allow-net flag',
      'Plugin "a" may not reach "10.0.0.1:80": deno.json would allow it with plugins.a.permissions.net: ["10.0.0.1:80"]',
    ],
    [
      'Requires sys access to "hostname", run again with the --allow-sys flag',
      'Plugin "a" may not ask the system for "hostname": deno.json would allow it with plugins.a.permissions.sys: ["hostname"]',
    ],
    [
      "Requires env access, run again with the --allow-env flag",
      'Plugin "a" may not read environment variable "*": deno.json would allow it with plugins.a.permissions.env: ["*"]',
    ],
    [
      'Requires run access to "etcd", run again with the --allow-run flag',
      'Plugin "a" may not run "etcd" by itself: deno.json would allow it with plugins.a.uses.process.scope, to run it as a service',
    ],
    [
      'Requires ffi access to "libc.so.6", run again with the --allow-ffi flag',
      'Plugin "a" may not have ffi access to "libc.so.6", which no line of deno.json gives to a plugin',
    ],
  ] as const
) {
  Deno.test(`explainDenial() explains: ${denied}`, () => {
    const error = new Deno.errors.NotCapable(denied);
    const told = explainDenial("a", error);
    assert.ok(told instanceof ServiceError);
    assert.equal(told.code, "not-permitted");
    assert.equal(told.message, explained);
    assert.equal(told.cause, error);
    // Where it was tried, not where it was explained.
    assert.equal(
      told.stack?.slice(String(told).length),
      error.stack?.slice(String(error).length),
    );
  });
}

Deno.test("explainDenial() explains what the loader of modules denies", () => {
  const error = new TypeError(
    'Requires read access to "/a.ts", run again with the --allow-read flag\n    at file:///b.ts:1:1',
  );
  assert.match(String(explainDenial("a", error)), /may not read "\/a\.ts"/);
});

Deno.test("explainDenial() returns everything else as it is", () => {
  for (
    const error of [
      new TypeError("x is not a function"),
      new Error("Requires read access to a book"),
      new Deno.errors.NotFound("/etc/none"),
      "text",
      undefined,
    ]
  ) {
    assert.equal(explainDenial("a", error), error);
  }
});
