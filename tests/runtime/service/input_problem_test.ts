import assert from "node:assert/strict";
import * as v from "valibot";
import { inputProblem } from "../../../runtime/service/input_problem.ts";
import { kv } from "../../../runtime/services/kv.ts";

function int(message: string) {
  return v.pipe(v.number(message), v.safeInteger(message));
}

function problemOf(schema: v.GenericSchema, value: unknown): string {
  const { issues } = v.safeParse(schema, value);
  assert.ok(issues !== undefined, "There is no problem");
  return inputProblem(issues);
}

Deno.test("inputProblem() says each problem with its place", () => {
  const schema = v.strictObject({ a: v.string(), b: v.array(int("No")) });
  assert.equal(
    problemOf(schema, { a: "", b: [1, "x", 1.5] }),
    "b.1: No; b.2: No",
  );
  assert.equal(problemOf(int("No number"), ""), "No number");
});

Deno.test("inputProblem() says which keys are missing and which are not known", () => {
  const schema = v.strictObject({ a: v.object({ b: v.string() }) });
  assert.equal(
    problemOf(schema, { a: {}, c: 1 }),
    "a.b: It is missing; c: It is not known",
  );
  assert.equal(
    problemOf(v.strictObject({ a: v.string("No") }, "No object"), 1),
    "No object",
  );
});

Deno.test("inputProblem() says what is wrong in the form that an input was most likely to be in", () => {
  const long = "k".repeat(4097);
  for (
    const [name, input] of [["range", { key: long }], ["put", {
      key: long,
      value: new Uint8Array(),
    }]] as const
  ) {
    assert.equal(
      problemOf(kv.methods[name].input, input),
      "key: A key has at most 4096 characters",
    );
  }
  assert.equal(
    problemOf(kv.methods.txn.input, { success: [{ delete: { prefix: "" } }] }),
    "success.0.delete.prefix: A key cannot be empty",
  );
  for (
    const [input, problem] of [
      [
        { success: [{ put: { key: "a" } }] },
        "success.0.put.value: It is missing",
      ],
      [
        { success: [{ put: 5 }] },
        "success.0.put: Invalid type: Expected Object but received 5",
      ],
      [
        { compare: [{ key: "a", target: "age", is: "=", than: 1 }] },
        'compare.0.target: Invalid type: Expected (("create" | "mod" | "version") | "value") but received "age"',
      ],
    ]
  ) {
    assert.equal(problemOf(kv.methods.txn.input, input), problem);
  }
  assert.equal(
    problemOf(kv.methods.range.input, { key: 5 }),
    "key: Invalid type: Expected string but received 5",
  );
  assert.equal(
    problemOf(v.strictObject({ a: v.union([v.string(), v.number()]) }), {
      a: true,
    }),
    "a: Invalid type: Expected (string | number) but received true",
  );
});
