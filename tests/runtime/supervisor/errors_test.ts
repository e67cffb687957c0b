import assert from "node:assert/strict";
import {
  CanceledError,
  describeError,
  MisuseError,
  UnexpectedReturnError,
} from "../../../runtime/supervisor/errors.ts";

Deno.test("MisuseError says whose context, what was called and why it cannot be", () => {
  const error = new MisuseError("root.a", `run "b"`, "it has signaled done");
  assert.equal(error.name, "MisuseError");
  assert.equal(error.dn, "root.a");
  assert.equal(
    error.message,
    `Cannot run "b" in "root.a": it has signaled done`,
  );
});

Deno.test("CanceledError keeps its cause", () => {
  const cause = new UnexpectedReturnError("root.a");
  assert.equal(cause.name, "UnexpectedReturnError");
  assert.equal(new CanceledError("Why", { cause }).cause, cause);
});

Deno.test("describeError() has words for whatever can be thrown", () => {
  assert.equal(describeError(new TypeError("Bad")), "TypeError: Bad");
  assert.equal(describeError("text"), "text");
  assert.equal(describeError(undefined), "undefined");
  assert.equal(describeError(Symbol("s")), "Symbol(s)");
  assert.equal(
    describeError(Object.create(null)),
    "something that has no text",
  );
});
